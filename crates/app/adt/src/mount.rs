//! Which requests are meant for the data plane, and for which instance.
//!
//! An address names a tenant by its path, `/t/{tenant}/…`, or by its host, `{tenant}.{domain}` for the domain that the
//! operator says and always for `localhost`; else the credentials do. At the root, the paths of the data plane are
//! those of pages of the web app too: there a request is meant for the data plane when a program sends it.

use axum::http::uri::PathAndQuery;
use axum::http::{HeaderMap, Method, Uri, header};

/// The first parts of the paths of the data plane.
const ROOTS: [&str; 5] = ["digitaltwins", "eventroutes", "jobs", "models", "query"];

/// A request of the data plane.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Claimed {
    /// The tenant that the address names, as it names it.
    pub instance: Option<String>,
    /// What stands before the paths of that instance, such as `/t/north`; empty where its host names it.
    pub prefix: String,
    /// The request's address within the instance.
    pub uri: Uri,
}

/// Whether a request is meant for the data plane.
#[must_use]
pub fn claim(method: &Method, uri: &Uri, headers: &HeaderMap, domain: Option<&str>) -> Option<Claimed> {
    let path = uri.path();
    if let Some(rest) = path.strip_prefix("/t/") {
        let (tenant, rest) = rest.split_once('/')?;
        let inner = format!("/{rest}");
        if !is_ours(&inner) {
            return None;
        }
        let (instance, prefix) = (Some(tenant.to_owned()), format!("/t/{tenant}"));
        return Some(Claimed { instance, prefix, uri: moved(uri, &inner)? });
    }
    if !is_ours(path) {
        return None;
    }
    let instance = named_by_host(headers, uri, domain);
    let is_program = instance.is_some() || is_of_program(method, uri, headers);
    is_program.then(|| Claimed { instance, prefix: String::new(), uri: uri.clone() })
}

fn is_ours(path: &str) -> bool {
    path.strip_prefix('/').and_then(|path| path.split('/').next()).is_some_and(|root| ROOTS.contains(&root))
}

/// A browser that opens a page asks for HTML, has no `api-version` and no key in a header.
fn is_of_program(method: &Method, uri: &Uri, headers: &HeaderMap) -> bool {
    if !matches!(*method, Method::GET | Method::HEAD) || headers.contains_key(header::AUTHORIZATION) {
        return true;
    }
    let mut query = uri.query().unwrap_or_default().split('&');
    if query.any(|pair| pair.split('=').next() == Some("api-version")) {
        return true;
    }
    let accepted = headers.get(header::ACCEPT).and_then(|value| value.to_str().ok()).unwrap_or_default();
    accepted.contains("json") && !accepted.contains("text/html")
}

fn named_by_host(headers: &HeaderMap, uri: &Uri, domain: Option<&str>) -> Option<String> {
    let header = headers.get(header::HOST).and_then(|value| value.to_str().ok());
    let host = uri.host().or(header)?.to_ascii_lowercase();
    let host = host
        .rsplit_once(':')
        .map_or(&*host, |(name, port)| if port.bytes().all(|b| b.is_ascii_digit()) { name } else { &host });
    let within = |domain: &str| {
        let tenant = host.strip_suffix(domain)?.strip_suffix('.')?;
        (!tenant.is_empty() && !tenant.contains('.')).then(|| tenant.to_owned())
    };
    domain.and_then(within).or_else(|| within("localhost"))
}

fn moved(uri: &Uri, path: &str) -> Option<Uri> {
    let whole = match uri.query() {
        Some(query) => format!("{path}?{query}"),
        None => path.to_owned(),
    };
    let mut parts = uri.clone().into_parts();
    parts.path_and_query = Some(whole.parse::<PathAndQuery>().ok()?);
    Uri::from_parts(parts).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn claimed(
        method: &str,
        uri: &str,
        headers: &[(&'static str, &str)],
    ) -> Option<(Option<String>, String)> {
        let headers: HeaderMap =
            headers.iter().map(|(name, value)| (name.parse().unwrap(), value.parse().unwrap())).collect();
        let found = claim(&method.parse().unwrap(), &uri.parse().unwrap(), &headers, Some("twins.example"))?;
        Some((found.instance, found.uri.to_string()))
    }

    #[test]
    fn pages_stay_pages_and_programs_reach_the_data_plane() {
        let page = [("accept", "text/html,application/xhtml+xml,*/*;q=0.8"), ("cookie", "voltwin_session=x")];
        for path in ["/models", "/query", "/digitaltwins/a", "/jobs/imports", "/models/dtmi:a:b;1"] {
            assert_eq!(claimed("GET", path, &page), None, "{path}");
            let root = Some((None, path.to_owned()));
            assert_eq!(claimed("GET", path, &[("accept", "application/json")]), root);
            assert_eq!(claimed("GET", path, &[("authorization", "Bearer x")]), root);
            assert_eq!(claimed("PUT", path, &page), root, "no page is put");
            let asked = format!("{path}?includeModelDefinition=true&api-version=2023-10-31");
            assert_eq!(claimed("GET", &asked, &page), Some((None, asked.clone())));
        }
        for path in
            ["/", "/graph/models", "/api/v1/twins", "/modelsx", "/live", "/t/north", "/t/north/api/v1/twins"]
        {
            assert_eq!(claimed("POST", path, &[("authorization", "Bearer x")]), None, "{path}");
        }
    }

    #[test]
    fn an_instance_is_named_by_path_or_host() {
        let north = |uri: &str| Some((Some("north".to_owned()), uri.to_owned()));
        assert_eq!(claimed("GET", "/t/north/models?api-version=1", &[]), north("/models?api-version=1"));
        assert_eq!(claimed("GET", "/t/north/digitaltwins/a%2Fb", &[]), north("/digitaltwins/a%2Fb"));
        for host in
            ["north.twins.example", "north.twins.example:8443", "North.Twins.Example", "north.localhost:1"]
        {
            assert_eq!(claimed("GET", "/query", &[("host", host)]), north("/query"), "{host}");
        }
        let json = ("accept", "application/json");
        for host in [
            "twins.example",
            "a.b.twins.example",
            "north.twins.example.evil",
            "127.0.0.1:80",
            "localhost",
            "[::1]:8",
        ] {
            assert_eq!(
                claimed("GET", "/query", &[("host", host), json]),
                Some((None, "/query".into())),
                "{host}"
            );
        }
    }
}
