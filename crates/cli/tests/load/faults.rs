//! Faults of storage: a disk that is full, and system calls that fail.

use std::fs::File;
use std::io::{BufRead as _, BufReader, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use super::daemon::signal;

/// A small disk in memory, unmounted at the end.
pub(crate) struct Disk {
    pub(crate) path: PathBuf,
}

/// Somebody who takes every free byte of a disk.
pub(crate) struct Filler {
    file: PathBuf,
    is_over: Arc<AtomicBool>,
    thread: std::thread::JoinHandle<()>,
}

impl Disk {
    pub(crate) fn mount(path: &Path) -> Result<Disk, String> {
        Disk::mount_mib(path, 24)
    }

    pub(crate) fn mount_mib(path: &Path, mib: u32) -> Result<Disk, String> {
        std::fs::create_dir(path).unwrap();
        let tmpfs = ["-t", "tmpfs", "-o", &format!("size={mib}m"), "tmpfs"];
        run(Command::new("mount").args(tmpfs).arg(path))?;
        Ok(Disk { path: path.to_owned() })
    }

    pub(crate) fn fill(&self) -> Filler {
        let (file, is_over) = (self.path.join("filler"), Arc::new(AtomicBool::new(false)));
        let (path, over) = (file.clone(), Arc::clone(&is_over));
        let thread = std::thread::spawn(move || {
            let mut file = File::create(path).unwrap();
            // What a checkpoint sets free is taken as well.
            while !over.load(Ordering::SeqCst) {
                while file.write_all(&[7; 4096]).is_ok() {}
                std::thread::yield_now();
            }
        });
        Filler { file, is_over, thread }
    }
}

impl Filler {
    pub(crate) fn end(self) {
        self.is_over.store(true, Ordering::SeqCst);
        self.thread.join().unwrap();
        std::fs::remove_file(self.file).unwrap();
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        // Lazily, because a server that was just killed may still hold a file.
        if let Err(why) = run(Command::new("umount").arg("-l").arg(&self.path)) {
            eprintln!("{} is still mounted: {why}", self.path.display());
        }
    }
}

/// `strace` that lets system calls of a process fail.
pub(crate) struct Tracer {
    child: Child,
}

impl Tracer {
    fn arguments(calls: &str, first: u32) -> Vec<String> {
        let inject = format!("inject={calls}:error=EIO:when={first}+");
        let trace = format!("trace={calls}");
        ["strace", "-f", "-o", "/dev/null", "-e", &trace, "-e", &inject].map(str::to_owned).to_vec()
    }

    /// The programs to start the server with, so that its calls fail from number `first` of a thread on.
    pub(crate) fn wrapper(calls: &str, first: u32) -> Result<Vec<String>, String> {
        run(Command::new("strace").args(["-o", "/dev/null", "true"]))?;
        let mut wrapper = Tracer::arguments(calls, first);
        // As a grandchild, so that the child is the server itself.
        wrapper.extend(["-D".to_owned(), "-qq".to_owned()]);
        Ok(wrapper)
    }

    /// Lets the calls of a running process fail; back once they do.
    pub(crate) fn attach(id: u32, calls: &str, first: u32) -> Result<Tracer, String> {
        let arguments = Tracer::arguments(calls, first);
        let mut command = Command::new(&arguments[0]);
        command.args(&arguments[1..]).arg("-p").arg(id.to_string());
        command.stdout(Stdio::null()).stderr(Stdio::piped());
        let mut child = command.spawn().map_err(|error| error.to_string())?;
        let mut line = String::new();
        // `strace: Process 4711 attached with 12 threads`
        let mut stderr = BufReader::new(child.stderr.take().unwrap());
        stderr.read_line(&mut line).unwrap();
        if !line.contains("attached") {
            child.kill().unwrap();
            child.wait().unwrap();
            return Err(line);
        }
        // It reports every thread that begins and ends.
        std::thread::spawn(move || stderr.lines().for_each(drop));
        Ok(Tracer { child })
    }

    /// Lets the process go on without faults.
    pub(crate) fn detach(mut self) {
        signal("INT", self.child.id());
        self.child.wait().unwrap();
    }
}

impl Drop for Tracer {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn run(command: &mut Command) -> Result<(), String> {
    let output = command.output().map_err(|error| error.to_string())?;
    match output.status.success() {
        true => Ok(()),
        false => Err(String::from_utf8_lossy(&output.stderr).trim().to_owned()),
    }
}
