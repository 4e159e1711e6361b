//! Tokens of a small issuer of our own, good ones and those that somebody tampered with.

#![expect(clippy::unwrap_used, reason = "helpers of tests stand outside test functions")]

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD as B64};
use jsonwebtoken::{Algorithm, EncodingKey, Header, encode};
use parking_lot::Mutex;
use rcgen::{KeyPair, PKCS_ECDSA_P256_SHA256, PKCS_RSA_SHA256, PublicKeyData as _};
use serde_json::{Value as Json, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;
use voltwin_core::Timestamp;
use voltwin_identity::{AZURE_AUDIENCES, IdentityError, Issuers, Settings};

const NOW_S: i64 = 1_795_000_000;

fn now() -> Timestamp {
    Timestamp::from_millis(NOW_S * 1_000)
}

/// An issuer over plain HTTP: its keys can be changed, and it counts how often it was asked for them.
struct Fake {
    url: String,
    keys: Arc<Mutex<Json>>,
    asked: Arc<AtomicUsize>,
    rsa: KeyPair,
    ec: KeyPair,
}

impl Fake {
    async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/dir-1", listener.local_addr().unwrap());
        let rsa = KeyPair::generate_for(&PKCS_RSA_SHA256).unwrap();
        let ec = KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256).unwrap();
        let odd = json!({ "kty": "AKP", "kid": "later", "alg": "ML-DSA-65", "pub": "AA" });
        let keys =
            Arc::new(Mutex::new(json!({ "keys": [odd, rsa_jwk(&rsa, "rsa-1"), ec_jwk(&ec, "ec-1")] })));
        let asked = Arc::new(AtomicUsize::new(0));
        tokio::spawn(answer(listener, url.clone(), keys.clone(), asked.clone()));
        Self { url, keys, asked, rsa, ec }
    }

    fn issuers(&self) -> Issuers {
        let audiences = AZURE_AUDIENCES.map(str::to_owned).to_vec();
        Issuers::new(Settings { issuers: vec![self.url.clone()], audiences }).unwrap()
    }

    fn claims(&self) -> Json {
        json!({
            "iss": self.url, "sub": "s-1", "aud": "https://digitaltwins.azure.net/", "exp": NOW_S + 600,
            "nbf": NOW_S - 10, "tid": "dir-1", "oid": "o-1", "roles": ["Azure Digital Twins Data Reader"],
            "appid": "app-1",
        })
    }

    fn token(&self, algorithm: Algorithm, kid: &str, claims: &Json) -> String {
        let header = Header { kid: Some(kid.to_owned()), ..Header::new(algorithm) };
        let key = match algorithm {
            Algorithm::ES256 => EncodingKey::from_ec_pem(self.ec.serialize_pem().as_bytes()),
            _ => EncodingKey::from_rsa_pem(self.rsa.serialize_pem().as_bytes()),
        };
        encode(&header, claims, &key.unwrap()).unwrap()
    }
}

async fn answer(listener: TcpListener, url: String, keys: Arc<Mutex<Json>>, asked: Arc<AtomicUsize>) {
    while let Ok((mut socket, _)) = listener.accept().await {
        let mut request = vec![0; 4_096];
        let length = socket.read(&mut request).await.unwrap_or(0);
        let body = if request[..length].starts_with(b"GET /dir-1/.well-known/openid-configuration ") {
            json!({ "issuer": url, "jwks_uri": format!("{url}/keys") })
        } else {
            asked.fetch_add(1, Ordering::SeqCst);
            keys.lock().clone()
        };
        let body = body.to_string();
        let head = format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\nconnection: close\r\n\r\n", body.len());
        let _ = socket.write_all((head + &body).as_bytes()).await;
    }
}

fn ec_jwk(key: &KeyPair, kid: &str) -> Json {
    let point = key.der_bytes();
    assert_eq!((point.len(), point[0]), (65, 4), "an uncompressed point");
    let (x, y) = (B64.encode(&point[1..33]), B64.encode(&point[33..]));
    json!({ "kty": "EC", "crv": "P-256", "use": "sig", "kid": kid, "x": x, "y": y })
}

/// `RSAPublicKey` is a sequence of two integers.
fn rsa_jwk(key: &KeyPair, kid: &str) -> Json {
    fn element(der: &[u8]) -> (&[u8], &[u8]) {
        let (length, at) = match der[1] {
            n if n < 0x80 => (usize::from(n), 2),
            0x81 => (usize::from(der[2]), 3),
            _ => (usize::from(u16::from_be_bytes([der[2], der[3]])), 4),
        };
        der[at..].split_at(length)
    }
    let (inner, _) = element(key.der_bytes());
    let (modulus, rest) = element(inner);
    let (exponent, _) = element(rest);
    let modulus = modulus.strip_prefix(&[0]).unwrap_or(modulus);
    json!({ "kty": "RSA", "use": "sig", "kid": kid, "n": B64.encode(modulus), "e": B64.encode(exponent) })
}

#[tokio::test]
async fn both_algorithms_are_believed_and_the_holder_is_read() {
    let fake = Fake::start().await;
    let issuers = fake.issuers();
    for (algorithm, kid) in [(Algorithm::RS256, "rsa-1"), (Algorithm::ES256, "ec-1")] {
        let token = fake.token(algorithm, kid, &fake.claims());
        assert!(issuers.is_token(&token));
        let holder = issuers.verify(&token, now()).await.unwrap();
        assert_eq!((holder.directory.as_str(), holder.principal.as_str()), ("dir-1", "o-1"));
        assert_eq!(
            (holder.name.as_str(), &*holder.roles),
            ("app-1", &["Azure Digital Twins Data Reader".into()][..])
        );
    }
    assert_eq!(fake.asked.load(Ordering::SeqCst), 1, "keys are kept");
    let mut claims = fake.claims();
    claims["tid"] = json!("dir-2");
    let holder = issuers.verify(&fake.token(Algorithm::RS256, "rsa-1", &claims), now()).await.unwrap();
    assert_eq!(holder.directory, fake.url, "no issuer speaks for the directory of another");
}

#[tokio::test]
async fn what_a_token_claims_is_checked() {
    let fake = Fake::start().await;
    let issuers = fake.issuers();
    let refused = async |change: Json| {
        let mut claims = fake.claims();
        for (name, value) in change.as_object().unwrap() {
            claims[name] = value.clone();
        }
        let token = fake.token(Algorithm::RS256, "rsa-1", &claims);
        issuers.verify(&token, now()).await.map(drop)
    };
    assert_eq!(refused(json!({})).await, Ok(()));
    assert_eq!(refused(json!({"exp": NOW_S - 59})).await, Ok(()), "clocks differ");
    assert_eq!(refused(json!({"exp": NOW_S - 61})).await, Err(IdentityError::Expired));
    assert_eq!(refused(json!({"nbf": NOW_S + 59})).await, Ok(()));
    assert_eq!(refused(json!({"nbf": NOW_S + 61})).await, Err(IdentityError::NotYet));
    assert_eq!(refused(json!({"aud": AZURE_AUDIENCES[1]})).await, Ok(()));
    assert_eq!(refused(json!({"aud": ["x", AZURE_AUDIENCES[0]]})).await, Ok(()));
    for aud in [
        json!("https://management.azure.com"),
        json!([]),
        Json::Null,
        json!("https://digitaltwins.azure.net.evil"),
    ] {
        assert!(matches!(refused(json!({ "aud": aud })).await, Err(IdentityError::Audience { .. })), "{aud}");
    }
    for iss in [json!("https://evil.example"), json!(format!("{}.evil", fake.url))] {
        assert!(matches!(refused(json!({ "iss": iss })).await, Err(IdentityError::Issuer { .. })), "{iss}");
    }
    assert_eq!(refused(json!({"exp": null})).await, Err(IdentityError::Form), "a token must end");
}

#[tokio::test]
async fn nobody_signs_but_the_issuer() {
    let fake = Fake::start().await;
    let issuers = fake.issuers();
    let good = fake.token(Algorithm::RS256, "rsa-1", &fake.claims());
    let verify = async |token: String| issuers.verify(&token, now()).await.map(drop);
    assert_eq!(verify(good.clone()).await, Ok(()));

    // the claims of another, under this signature
    let parts: Vec<&str> = good.split('.').collect();
    let mut claims = fake.claims();
    claims["roles"] = json!(["Azure Digital Twins Data Owner"]);
    let forged = format!("{}.{}.{}", parts[0], B64.encode(claims.to_string()), parts[2]);
    assert_eq!(verify(forged).await, Err(IdentityError::Signature));

    // no algorithm at all
    for alg in ["none", "None", "nOnE"] {
        let header = B64.encode(json!({ "alg": alg, "typ": "JWT", "kid": "rsa-1" }).to_string());
        for signature in ["", parts[2]] {
            let token = format!("{header}.{}.{signature}", parts[1]);
            assert!(issuers.is_token(&token) && verify(token).await == Err(IdentityError::Form), "{alg}");
        }
    }

    // the public key, which everybody has, as a shared secret
    let public = fake.keys.lock()["keys"][1]["n"].as_str().unwrap().to_owned();
    let spki = fake.rsa.public_key_pem();
    for secret in [public.as_bytes(), spki.as_bytes(), fake.rsa.der_bytes()] {
        let header = Header { kid: Some("rsa-1".into()), ..Header::new(Algorithm::HS256) };
        let token = encode(&header, &fake.claims(), &EncodingKey::from_secret(secret)).unwrap();
        assert!(matches!(verify(token).await, Err(IdentityError::Algorithm { .. })));
    }

    // an algorithm that is not that of the key, and a key of another
    assert!(matches!(
        verify(fake.token(Algorithm::RS512, "rsa-1", &fake.claims())).await,
        Err(IdentityError::Algorithm { .. })
    ));
    assert!(matches!(
        verify(fake.token(Algorithm::RS256, "ec-1", &fake.claims())).await,
        Err(IdentityError::Algorithm { .. })
    ));
    let other = Fake::start().await;
    let token = other.token(Algorithm::RS256, "rsa-1", &fake.claims());
    assert_eq!(verify(token).await, Err(IdentityError::Signature));
    assert_eq!(verify(format!("{good}.x")).await, Err(IdentityError::Form));
    assert!(matches!(verify("a".repeat(20_000)).await, Err(IdentityError::TooLong { .. })));
}

#[tokio::test]
async fn a_new_key_is_found_and_a_flood_of_unknown_ones_asks_once() {
    let fake = Fake::start().await;
    let issuers = fake.issuers();
    issuers.verify(&fake.token(Algorithm::RS256, "rsa-1", &fake.claims()), now()).await.unwrap();
    for n in 0..20 {
        let token = fake.token(Algorithm::RS256, &format!("new-{n}"), &fake.claims());
        let refused = issuers.verify(&token, now().plus_seconds(1.0)).await;
        assert!(matches!(refused, Err(IdentityError::UnknownKey { .. })));
    }
    assert_eq!(fake.asked.load(Ordering::SeqCst), 1);
    *fake.keys.lock() = json!({ "keys": [rsa_jwk(&fake.rsa, "new-7")] });
    let token = fake.token(Algorithm::RS256, "new-7", &fake.claims());
    issuers.verify(&token, now().plus_seconds(31.0)).await.unwrap();
    assert_eq!(fake.asked.load(Ordering::SeqCst), 2);
    let gone = fake.token(Algorithm::RS256, "rsa-1", &fake.claims());
    assert!(issuers.verify(&gone, now().plus_seconds(32.0)).await.is_err(), "a key that was taken back");
}

#[tokio::test]
async fn an_issuer_that_is_away_is_told_from_a_bad_token() {
    let fake = Fake::start().await;
    let token = fake.token(Algorithm::RS256, "rsa-1", &fake.claims());
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let away = format!("http://{}", listener.local_addr().unwrap());
    drop(listener);
    let mut claims = fake.claims();
    claims["iss"] = json!(away);
    let issuers = Issuers::new(Settings { issuers: vec![away], audiences: vec!["x".into()] }).unwrap();
    let lost = fake.token(Algorithm::RS256, "rsa-1", &claims);
    assert!(matches!(issuers.verify(&lost, now()).await, Err(IdentityError::Unreachable { .. })));
    assert!(matches!(issuers.verify(&token, now()).await, Err(IdentityError::Issuer { .. })));
}
