//! Peers that mean harm, or behave as if they did.

use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::sync::mpsc;
use tokio::time::{Instant, sleep, timeout};
use tokio_util::sync::CancellationToken;

use super::{Crowd, fraction};
use crate::FleetError;
use crate::station::Target;

/// What they do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Hostility {
    /// Begin the HTTP handshake and never end it.
    HalfOpen,
    /// Send the handshake one byte a second.
    Trickle,
    /// Authenticate, then send frames of 1 MiB.
    Huge,
    /// Authenticate, then send heartbeats without reading any answer.
    Flood,
}

impl std::str::FromStr for Hostility {
    type Err = String;
    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "half-open" => Ok(Self::HalfOpen),
            "trickle" => Ok(Self::Trickle),
            "huge" => Ok(Self::Huge),
            "flood" => Ok(Self::Flood),
            other => Err(format!("`{other}` is none of half-open, trickle, huge, flood")),
        }
    }
}

/// How many do what, and how long.
#[derive(Clone)]
pub struct HostileConfig {
    /// Who; [`Hostility::Huge`] and [`Hostility::Flood`] need their passwords to be right.
    pub crowd: Crowd,
    /// What.
    pub hostility: Hostility,
    /// How long.
    pub duration: Duration,
}

/// What they managed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct HostileReport {
    /// Connections that were made.
    pub connections: u64,
    /// Connections that the other side ended.
    pub ended: u64,
    /// Connections that were not made.
    pub refused: u64,
    /// Bytes that the other side took.
    pub bytes: u64,
}

/// Keeps every peer of the crowd at it until `duration` has passed: one that is thrown out comes again.
///
/// # Errors
/// [`FleetError`] when the configuration cannot work.
pub async fn run_hostile(
    config: &HostileConfig,
    cancel: CancellationToken,
) -> Result<HostileReport, FleetError> {
    let targets = config.crowd.targets()?;
    let (sender, mut results) = mpsc::channel(targets.len());
    let end = Instant::now() + config.duration;
    for (identity, target) in config.crowd.stations.iter().cloned().zip(targets) {
        let (sender, cancel, hostility) = (sender.clone(), cancel.clone(), config.hostility);
        tokio::spawn(async move {
            let mut report = HostileReport::default();
            sleep(Duration::from_secs_f64(fraction(&identity, "hostile", 0))).await;
            while Instant::now() < end && !cancel.is_cancelled() {
                let left = end.saturating_duration_since(Instant::now());
                let _ = timeout(left, attack(&target, hostility, &mut report)).await;
                sleep(Duration::from_millis(200)).await;
            }
            let _ = sender.send(report).await;
        });
    }
    drop(sender);
    let mut total = HostileReport::default();
    while let Some(one) = results.recv().await {
        total.connections += one.connections;
        total.ended += one.ended;
        total.refused += one.refused;
        total.bytes += one.bytes;
    }
    Ok(total)
}

async fn attack(target: &Target, hostility: Hostility, report: &mut HostileReport) {
    let Ok(mut stream) = TcpStream::connect(target.address()).await else {
        report.refused += 1;
        return;
    };
    report.connections += 1;
    let request = target.handshake();
    match hostility {
        Hostility::HalfOpen => {
            if put(&mut stream, &request.as_bytes()[..request.len() - 2], report).await {
                let mut rest = [0; 256];
                while matches!(stream.read(&mut rest).await, Ok(1..)) {}
            }
        }
        Hostility::Trickle => {
            for byte in request.bytes() {
                if !put(&mut stream, &[byte], report).await {
                    break;
                }
                sleep(Duration::from_secs(1)).await;
            }
        }
        Hostility::Huge | Hostility::Flood => {
            if !put(&mut stream, request.as_bytes(), report).await {
                return;
            }
            let mut answer = [0; 512];
            if !matches!(timeout(Duration::from_secs(10), stream.read(&mut answer)).await, Ok(Ok(1..))) {
                report.ended += 1;
                return;
            }
            let text = match hostility {
                Hostility::Huge => "x".repeat(1024 * 1024),
                _ => r#"[2,"1","Heartbeat",{}]"#.to_owned(),
            };
            let frame = masked(text.as_bytes());
            while put(&mut stream, &frame, report).await {
                tokio::task::yield_now().await;
            }
        }
    }
    report.ended += 1;
}

/// Writes all of it; false when the other side does not take it.
async fn put(stream: &mut TcpStream, bytes: &[u8], report: &mut HostileReport) -> bool {
    let written = stream.write_all(bytes).await.is_ok();
    if written {
        report.bytes += bytes.len() as u64;
    }
    written
}

/// One text frame of a client (RFC 6455, section 5.2), masked with zeros.
fn masked(payload: &[u8]) -> Vec<u8> {
    let mut frame = vec![0x81];
    match payload.len() {
        length @ 0..126 => frame.push(0x80 | length as u8),
        length @ 126..65_536 => {
            frame.push(0x80 | 126);
            frame.extend((length as u16).to_be_bytes());
        }
        length => {
            frame.push(0x80 | 127);
            frame.extend((length as u64).to_be_bytes());
        }
    }
    frame.extend([0; 4]);
    frame.extend(payload);
    frame
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn frames_state_their_length() {
        assert_eq!(masked(b"ab"), [0x81, 0x82, 0, 0, 0, 0, b'a', b'b']);
        assert_eq!(masked(&[0; 200])[1..4], [0x80 | 126, 0, 200]);
        assert_eq!(masked(&vec![0; 70_000])[1..10], [0x80 | 127, 0, 0, 0, 0, 0, 1, 0x11, 0x70]);
    }
}
