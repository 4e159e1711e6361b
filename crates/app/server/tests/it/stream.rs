//! A client of the live stream.

use std::time::Duration;

use futures_util::{SinkExt, StreamExt};
use serde_json::Value as Json;
use tokio::net::TcpStream;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream, connect_async};
use voltwin_wire::{Frame, decode};

use crate::world::World;

pub(crate) struct Stream {
    socket: WebSocketStream<MaybeTlsStream<TcpStream>>,
}

impl Stream {
    /// Opens a stream, or answers the status that it was refused with.
    pub(crate) async fn try_open(world: &World, headers: &[(&'static str, &str)]) -> Result<Self, u16> {
        let mut request = format!("ws://{}/live", world.address).into_client_request().unwrap();
        for (name, value) in headers {
            request.headers_mut().insert(*name, value.parse().unwrap());
        }
        match connect_async(request).await {
            Ok((socket, _)) => Ok(Self { socket }),
            Err(tokio_tungstenite::tungstenite::Error::Http(response)) => Err(response.status().as_u16()),
            Err(error) => panic!("{error}"),
        }
    }

    /// Opens a stream and reads its hello.
    pub(crate) async fn open(world: &World, key: &str) -> (Self, Json) {
        let bearer = format!("Bearer {key}");
        let mut stream = Self::try_open(world, &[("authorization", &bearer)]).await.unwrap();
        let hello = stream.json("hello").await;
        (stream, hello)
    }

    pub(crate) async fn say(&mut self, message: Json) {
        self.socket.send(Message::text(message.to_string())).await.unwrap();
    }

    async fn next(&mut self) -> Option<Message> {
        let next = tokio::time::timeout(Duration::from_secs(20), self.socket.next()).await;
        next.expect("nothing came in 20 s")?.ok()
    }

    /// The next JSON message of a type; others are passed over.
    pub(crate) async fn json(&mut self, kind: &str) -> Json {
        while let Some(message) = self.next().await {
            let Message::Text(text) = message else { continue };
            let json: Json = serde_json::from_str(&text).unwrap();
            if json["type"] == kind {
                return json;
            }
        }
        panic!("the stream ended before `{kind}`");
    }

    /// The next binary frame.
    pub(crate) async fn frame(&mut self) -> Frame {
        while let Some(message) = self.next().await {
            if let Message::Binary(bytes) = message {
                return decode(&bytes).unwrap();
            }
        }
        panic!("the stream ended before a frame");
    }

    /// The code with which the server closed the stream.
    pub(crate) async fn closed(&mut self) -> Option<u16> {
        while let Some(message) = self.next().await {
            if let Message::Close(frame) = message {
                return frame.map(|frame| frame.code.into());
            }
        }
        None
    }
}
