//! A small central system to talk to: answers everything, remembers everything, and can be told to misbehave.

use std::sync::{Arc, Mutex};

use futures_util::{SinkExt, StreamExt};
use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{broadcast, watch};
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::handshake::server::{Request, Response};
use tokio_util::sync::CancellationToken;

#[derive(Debug, Clone)]
pub(crate) struct Seen {
    pub(crate) path: String,
    pub(crate) authorization: Option<String>,
    pub(crate) action: String,
    pub(crate) payload: Value,
    /// The frame as it came, for exact digits.
    pub(crate) text: String,
}

pub(crate) struct Central {
    pub(crate) url: String,
    pub(crate) seen: Arc<Mutex<Vec<Seen>>>,
    /// Bodies of telemetry requests that were accepted; the first request is turned away with 503.
    pub(crate) posted: Arc<Mutex<Vec<Value>>>,
    /// Answers from stations to our calls.
    pub(crate) answers: Arc<Mutex<Vec<Value>>>,
    /// While true, sockets are dropped before the answer of a transaction message.
    pub(crate) mute: watch::Sender<bool>,
    calls: broadcast::Sender<String>,
    _stop: tokio_util::sync::DropGuard,
}

impl Central {
    pub(crate) async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("ws://{}/ocpp", listener.local_addr().unwrap());
        let (seen, answers) = (Arc::new(Mutex::new(Vec::new())), Arc::new(Mutex::new(Vec::new())));
        let (posted, posts) = (Arc::new(Mutex::new(Vec::new())), Arc::new(Mutex::new(0)));
        let posted_too = Arc::clone(&posted);
        let (mute, muted) = watch::channel(false);
        let (calls, _) = broadcast::channel(16);
        let stop = CancellationToken::new();
        let next_id = Arc::new(Mutex::new(1_000));
        let shared = (Arc::clone(&seen), Arc::clone(&answers), calls.clone(), stop.clone());
        tokio::spawn(async move {
            let (seen, answers, calls, stop) = shared;
            while let Ok((stream, _)) = listener.accept().await {
                let mut first = [0; 4];
                stream.peek(&mut first).await.unwrap();
                if &first == b"POST" {
                    tokio::spawn(http(stream, Arc::clone(&posted_too), Arc::clone(&posts)));
                    continue;
                }
                let (seen, answers, muted, next_id) =
                    (Arc::clone(&seen), Arc::clone(&answers), muted.clone(), Arc::clone(&next_id));
                let (mut calls, stop) = (calls.subscribe(), stop.clone());
                tokio::spawn(async move {
                    let mut about = (String::new(), None);
                    #[allow(clippy::result_large_err)]
                    let callback = |request: &Request, mut response: Response| {
                        let header = |name: &str| request.headers().get(name).cloned();
                        let text = |name| header(name).and_then(|v| v.to_str().map(str::to_owned).ok());
                        about = (request.uri().path().to_owned(), text("authorization"));
                        if let Some(protocol) = header("sec-websocket-protocol") {
                            response.headers_mut().insert("sec-websocket-protocol", protocol);
                        }
                        Ok(response)
                    };
                    let Ok(mut ws) = tokio_tungstenite::accept_hdr_async(stream, callback).await else {
                        return;
                    };
                    loop {
                        let message = tokio::select! {
                            () = stop.cancelled() => return,
                            Ok(call) = calls.recv() => { ws.send(Message::text(call)).await.unwrap(); continue; }
                            message = ws.next() => message,
                        };
                        let Some(Ok(Message::Text(text))) = message else { return };
                        let frame: Value = serde_json::from_str(&text).unwrap();
                        if frame[0] != 2 {
                            answers.lock().unwrap().push(frame);
                            continue;
                        }
                        let action = frame[2].as_str().unwrap().to_owned();
                        seen.lock().unwrap().push(Seen {
                            path: about.0.clone(),
                            authorization: about.1.clone(),
                            action: action.clone(),
                            payload: frame[3].clone(),
                            text: text.as_str().to_owned(),
                        });
                        if *muted.borrow() && action.contains("Transaction") {
                            return;
                        }
                        let answer = answer(&action, &next_id);
                        ws.send(Message::text(json!([3, frame[1], answer]).to_string())).await.unwrap();
                    }
                });
            }
        });
        Self { url, seen, posted, answers, mute, calls, _stop: stop.drop_guard() }
    }

    pub(crate) fn call(&self, id: &str, action: &str, payload: &Value) {
        self.calls.send(json!([2, id, action, payload]).to_string()).unwrap();
    }

    pub(crate) fn actions(&self) -> Vec<String> {
        self.seen.lock().unwrap().iter().map(|s| s.action.clone()).collect()
    }

    pub(crate) fn of(&self, action: &str) -> Vec<Seen> {
        self.seen.lock().unwrap().iter().filter(|s| s.action == action).cloned().collect()
    }

    pub(crate) async fn until(&self, what: &str, mut done: impl FnMut(&Self) -> bool) {
        for _ in 0..600 {
            if done(self) {
                return;
            }
            tokio::time::sleep(std::time::Duration::from_millis(20)).await;
        }
        panic!("waited in vain for {what}; seen {:?}", self.actions());
    }
}

fn answer(action: &str, next_id: &Mutex<i64>) -> Value {
    match action {
        "BootNotification" => {
            json!({"status": "Accepted", "currentTime": "2026-01-01T00:00:00Z", "interval": 300})
        }
        "Heartbeat" => json!({"currentTime": "2026-01-01T00:00:00Z"}),
        "StartTransaction" => {
            let mut id = next_id.lock().unwrap();
            *id += 1;
            json!({"transactionId": *id, "idTagInfo": {"status": "Accepted"}})
        }
        _ => json!({}),
    }
}

/// Answers telemetry requests on one keep-alive connection.
async fn http(stream: TcpStream, posted: Arc<Mutex<Vec<Value>>>, posts: Arc<Mutex<usize>>) {
    let mut stream = BufReader::new(stream);
    loop {
        let (mut length, mut head) = (0, String::new());
        loop {
            let mut line = String::new();
            if stream.read_line(&mut line).await.unwrap_or(0) == 0 {
                return;
            }
            if let Some(number) = line.to_ascii_lowercase().strip_prefix("content-length:") {
                length = number.trim().parse().unwrap();
            }
            if line == "\r\n" {
                break;
            }
            head.push_str(&line);
        }
        assert!(head.starts_with("POST /api/v1/telemetry HTTP/1.1"), "{head}");
        assert!(head.to_ascii_lowercase().contains("authorization: bearer key"), "{head}");
        let mut body = vec![0; length];
        stream.read_exact(&mut body).await.unwrap();
        let first = {
            let mut posts = posts.lock().unwrap();
            *posts += 1;
            *posts == 1
        };
        let (status, answer) = if first {
            ("503 Service Unavailable", "{}".to_owned())
        } else {
            let body: Value = serde_json::from_slice(&body).unwrap();
            let accepted = body["items"].as_array().unwrap().len();
            posted.lock().unwrap().push(body);
            ("202 Accepted", json!({"accepted": accepted, "rejected": []}).to_string())
        };
        let head = format!("HTTP/1.1 {status}\r\ncontent-length: {}\r\n\r\n", answer.len());
        stream.write_all(format!("{head}{answer}").as_bytes()).await.unwrap();
    }
}
