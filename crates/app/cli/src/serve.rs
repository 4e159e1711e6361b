//! `voltwin serve`.

use std::net::SocketAddr;
use std::path::PathBuf;

use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use crate::error::CliError;
use crate::node::Node;
use crate::print_line;

#[derive(clap::Args)]
pub(crate) struct Args {
    /// The data folder; made when missing.
    #[arg(long, value_name = "DIR", env = "VOLTWIN_DATA")]
    data: PathBuf,
    /// Address and port to listen on; port 0 takes a free one.
    #[arg(long, value_name = "ADDR", env = "VOLTWIN_LISTEN", default_value = "127.0.0.1:8080")]
    listen: SocketAddr,
}

pub(crate) async fn run(args: Args, cancel: CancellationToken) -> Result<(), CliError> {
    let listener = bind(args.listen).await?;
    let node = Node::start(&args.data).await?;
    print_line(&format!("listening http://{}", listener.local_addr()?));
    node.serve(listener, cancel).await
}

/// Binds first, so that a taken port is told before the data folder is touched.
pub(crate) async fn bind(listen: SocketAddr) -> Result<TcpListener, CliError> {
    TcpListener::bind(listen)
        .await
        .map_err(|error| CliError::input(format!("cannot listen on {listen}: {error}")))
}
