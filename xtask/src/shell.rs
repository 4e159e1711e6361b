//! Commands as values: print them, run them with a time limit, and leave nothing behind.
//!
//! Each child leads a process group of its own. The group is ended when the child has finished, when its time is up
//! and when xtask itself is told to stop (interrupt, terminate or hang-up), so that servers and browsers which a
//! child started never outlive it.

use std::{
    ffi::OsString,
    fmt,
    path::{Path, PathBuf},
    process::Stdio,
    time::Duration,
};

use anyhow::{Context, Result, bail};
use tokio::{
    io::{AsyncBufReadExt, AsyncRead, BufReader},
    process::{Child, Command},
    signal::unix::{SignalKind, signal},
    sync::mpsc,
    time::{sleep, timeout},
};

/// How long a group may take to end by itself before it is killed.
const GRACE: Duration = Duration::from_secs(8);

/// One command with everything that its run needs.
#[derive(Debug, Clone)]
pub(crate) struct Cmd {
    program: OsString,
    args: Vec<OsString>,
    dir: PathBuf,
    env: Vec<(String, OsString)>,
    limit: Duration,
}

impl Cmd {
    /// A command in the folder `dir`, limited to 20 minutes.
    pub(crate) fn new(program: impl Into<OsString>, dir: &Path) -> Self {
        Self {
            program: program.into(),
            args: Vec::new(),
            dir: dir.to_owned(),
            env: Vec::new(),
            limit: Duration::from_secs(20 * 60),
        }
    }

    /// The same cargo that runs xtask.
    pub(crate) fn cargo(dir: &Path) -> Self {
        Self::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()), dir)
    }

    /// Adds arguments.
    pub(crate) fn args<I: Into<OsString>>(mut self, args: impl IntoIterator<Item = I>) -> Self {
        self.args.extend(args.into_iter().map(Into::into));
        self
    }

    /// Adds one argument.
    pub(crate) fn arg(self, arg: impl Into<OsString>) -> Self {
        self.args([arg])
    }

    /// Sets an environment variable.
    pub(crate) fn env(mut self, name: &str, value: impl Into<OsString>) -> Self {
        self.env.push((name.to_owned(), value.into()));
        self
    }

    /// Changes the time limit.
    pub(crate) fn limit(mut self, limit: Duration) -> Self {
        self.limit = limit;
        self
    }

    /// Whether the command can be started and succeeds; prints nothing.
    pub(crate) fn works(&self) -> bool {
        self.std()
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .status()
            .is_ok_and(|status| status.success())
    }

    /// Standard output of a short command.
    pub(crate) fn read(&self) -> Result<String> {
        let output =
            self.std().stdin(Stdio::null()).output().with_context(|| format!("cannot start `{self}`"))?;
        if !output.status.success() {
            bail!(
                "`{self}` ended with {}: {}",
                output.status,
                String::from_utf8_lossy(&output.stderr).trim()
            );
        }
        Ok(String::from_utf8_lossy(&output.stdout).into_owned())
    }

    /// The plain `std` command, for the caller that replaces itself by it.
    pub(crate) fn std(&self) -> std::process::Command {
        let mut command = std::process::Command::new(&self.program);
        command.args(&self.args).current_dir(&self.dir);
        command.envs(self.env.iter().map(|(name, value)| (name, value)));
        command
    }

    /// Runs to the end, hands every line of output to `on_line` and fails unless the command succeeds.
    pub(crate) async fn run(&self, mut on_line: impl FnMut(&str)) -> Result<()> {
        let mut command = Command::from(self.std());
        command
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .process_group(0)
            .kill_on_drop(true);
        let mut child = command.spawn().with_context(|| format!("cannot start `{self}`"))?;
        let group = child.id().context("the child has no process id")?;
        let (lines, mut output) = mpsc::channel(256);
        if let Some(stdout) = child.stdout.take() {
            tokio::spawn(forward(stdout, lines.clone()));
        }
        if let Some(stderr) = child.stderr.take() {
            tokio::spawn(forward(stderr, lines));
        }
        let ended = self.wait(&mut child, &mut output, &mut on_line).await;
        end_group(group, &mut child).await;
        // What the child wrote last is still in the pipe; a grandchild that ignores its end must not hold us.
        while let Ok(Some(line)) = timeout(Duration::from_secs(2), output.recv()).await {
            on_line(&line);
        }
        ended
    }

    async fn wait(
        &self,
        child: &mut Child,
        output: &mut mpsc::Receiver<String>,
        on_line: &mut impl FnMut(&str),
    ) -> Result<()> {
        let mut interrupt = signal(SignalKind::interrupt())?;
        let mut terminate = signal(SignalKind::terminate())?;
        let mut hangup = signal(SignalKind::hangup())?;
        let deadline = sleep(self.limit);
        tokio::pin!(deadline);
        loop {
            tokio::select! {
                Some(line) = output.recv() => on_line(&line),
                status = child.wait() => {
                    let status = status?;
                    if status.success() {
                        return Ok(());
                    }
                    bail!("`{self}` ended with {status}");
                }
                () = &mut deadline => bail!("`{self}` took longer than {} s", self.limit.as_secs()),
                _ = interrupt.recv() => bail!("interrupted"),
                _ = terminate.recv() => bail!("told to end"),
                _ = hangup.recv() => bail!("the terminal is gone"),
            }
        }
    }
}

/// The command as one would type it, with its folder and its variables.
impl fmt::Display for Cmd {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let root = crate::workspace::root();
        if let Ok(inside) = self.dir.strip_prefix(&root)
            && inside.components().next().is_some()
        {
            write!(f, "cd {} && ", inside.display())?;
        }
        for (name, value) in &self.env {
            write!(f, "{name}={} ", value.to_string_lossy())?;
        }
        let program = Path::new(&self.program).file_name().unwrap_or(&self.program);
        if self.program.to_string_lossy().contains("/rustup/") || program == "cargo" {
            write!(f, "{}", program.to_string_lossy())?;
        } else {
            write!(f, "{}", self.program.to_string_lossy())?;
        }
        for arg in &self.args {
            let arg = arg.to_string_lossy();
            if arg.contains([' ', '\'', '"', '$', '*']) {
                write!(f, " {arg:?}")?;
            } else {
                write!(f, " {arg}")?;
            }
        }
        Ok(())
    }
}

async fn forward(pipe: impl AsyncRead + Unpin, lines: mpsc::Sender<String>) {
    let mut reader = BufReader::new(pipe);
    let mut buffer = Vec::new();
    loop {
        buffer.clear();
        match reader.read_until(b'\n', &mut buffer).await {
            Ok(0) | Err(_) => return,
            Ok(_) => {
                let line = String::from_utf8_lossy(&buffer);
                if lines.send(line.trim_end_matches(['\n', '\r']).to_owned()).await.is_err() {
                    return;
                }
            }
        }
    }
}

/// Ends what is left of a group: asks first, then insists.
async fn end_group(group: u32, child: &mut Child) {
    if matches!(child.try_wait(), Ok(Some(_))) {
        // The leader is gone; whatever it left behind gets no second chance.
        signal_group("KILL", group);
        return;
    }
    signal_group("TERM", group);
    if timeout(GRACE, child.wait()).await.is_err() {
        tokio::task::yield_now().await;
    }
    signal_group("KILL", group);
    if let Err(error) = child.wait().await {
        println!("xtask: a child could not be waited for: {error}");
    }
}

/// `kill` is a builtin of every POSIX shell; a group that is already empty is no error worth a line.
fn signal_group(name: &str, group: u32) {
    let sent = std::process::Command::new("sh")
        .args(["-c", &format!("kill -s {name} -- -{group}")])
        .stderr(Stdio::null())
        .status();
    if let Err(error) = sent {
        println!("xtask: cannot signal process group {group}: {error}");
    }
}
