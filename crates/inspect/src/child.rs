//! The deep check in the child process: gives up its rights, reads a PDF from stdin, parses it, and writes its
//! findings as one line of JSON.
//!
//! Before the first byte is read these limits hold: 256 MiB of addresses, 5 s of processor time, no new file
//! handles, processes, file writes or core dump, lowest priority (idle class while calls come), where permitted an
//! empty network and user namespace, few system calls (`confine.rs`). It dies with the server.

use std::collections::HashSet;
use std::io::{self, Read, Write};
use std::process::ExitCode;

use lopdf::{Dictionary, Document, Error, LoadOptions, Object, ObjectId};
use rustix::process::{Resource, Rlimit, Signal, nice, set_parent_process_death_signal, setrlimit};
use rustix::thread::{UnshareFlags, set_no_new_privs};
use thread_priority::{
    NormalThreadSchedulePolicy, ThreadPriority, ThreadSchedulePolicy,
    set_thread_priority_and_policy, thread_native_id,
};

use super::confine::confine;
use super::finding::{Finding, Findings};
use super::sandboxed_parser::Answer;

/// Addresses that the process may have: a content of 50 MiB, its streams once more, and what one of them decodes to.
const MEMORY_BYTES_MAX: u64 = 256 << 20;
const CPU_SECONDS_MAX: u64 = 5;
/// The largest content taken, whatever the limit of fetches is.
const CONTENT_BYTES_MAX: u64 = 64 << 20;
/// What one stream may decode to; twice that must fit the memory, or the parser takes the stream for truncated.
const STREAM_BYTES_MAX: usize = 32 << 20;
/// What all pages' drawings together are decoded to, before the pause is left alone.
const DECODED_BYTES_MAX: usize = 256 << 20;
/// Filters on one stream; two are usual.
const FILTERS_MAX: usize = 3;
/// How deep the tree of pages may be.
const TREE_DEPTH_MAX: usize = 50;
const TREE_NODES_MAX: usize = 100_000;
/// How many values are looked at inside of one object.
const VALUES_MAX: usize = 5_000_000;

/// Runs the child to its end; an idle one takes only the processor time that nobody else wants.
#[must_use]
pub fn run(is_idle: bool) -> ExitCode {
    if give_up_rights(is_idle).is_err() {
        return ExitCode::from(2);
    }
    let mut content = Vec::new();
    // Addresses alone: growing by and by would touch three times as much memory.
    let _ = content.try_reserve_exact(usize::try_from(CONTENT_BYTES_MAX).unwrap_or(0));
    if io::stdin().lock().take(CONTENT_BYTES_MAX).read_to_end(&mut content).is_err() {
        return ExitCode::from(3);
    }
    let Ok(mut line) = serde_json::to_vec(&Answer::from(check(&content))) else {
        return ExitCode::from(4);
    };
    line.push(b'\n');
    let mut output = io::stdout().lock();
    match output.write_all(&line).and_then(|()| output.flush()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(_) => ExitCode::from(5),
    }
}

fn give_up_rights(is_idle: bool) -> rustix::io::Result<()> {
    set_no_new_privs(true)?;
    leave_network();
    // After it: who changes its user is forgotten here. Nobody waits for a child whose server is gone.
    set_parent_process_death_signal(Some(Signal::KILL))?;
    stand_back(is_idle);
    let limit =
        |resource, most| setrlimit(resource, Rlimit { current: Some(most), maximum: Some(most) });
    limit(Resource::Core, 0)?;
    limit(Resource::Fsize, 0)?;
    limit(Resource::Nproc, 0)?;
    limit(Resource::Cpu, CPU_SECONDS_MAX)?;
    limit(Resource::As, MEMORY_BYTES_MAX)?;
    limit(Resource::Nofile, 0)?;
    confine();
    Ok(())
}

/// Lowers the priority. Where that is not permitted, the check is only less polite.
fn stand_back(is_idle: bool) {
    if is_idle {
        let idle = ThreadSchedulePolicy::Normal(NormalThreadSchedulePolicy::Idle);
        let _ = set_thread_priority_and_policy(thread_native_id(), ThreadPriority::Min, idle);
    }
    // After the class, which comes with a niceness of 0.
    let _ = nice(19);
}

/// Takes a network and user namespace of its own where permitted; without, only the lack of file handles keeps it off
/// the network.
#[expect(
    deprecated,
    reason = "the other function is unsafe for flags that are not used here: this process has one \
    thread, and no file table is parted"
)]
fn leave_network() {
    let all = UnshareFlags::NEWUSER | UnshareFlags::NEWNET | UnshareFlags::NEWIPC;
    if rustix::thread::unshare(all).is_err() {
        let _ = rustix::thread::unshare(UnshareFlags::NEWNET);
    }
}

fn check(content: &[u8]) -> Findings {
    let mut found = Findings::NONE;
    let options = LoadOptions::with_max_decompressed_size(STREAM_BYTES_MAX);
    let document = match Document::load_mem_with_options(content, options) {
        Ok(document) => document,
        Err(Error::InvalidPassword | Error::Decryption(_)) => {
            found.add(Finding::Encrypted);
            return found;
        }
        Err(_) => {
            found.add(Finding::OddStructure);
            return found;
        }
    };
    let is_odd = || {
        document.xref_recovery.is_some()
            || has_lost_objects(&document)
            || !has_sound_pages(&document)
            || has_odd_streams(&document)
    };
    if document.is_encrypted() || document.was_encrypted() {
        // What cannot be opened cannot be checked further.
        found.add(Finding::Encrypted);
    } else if is_odd() {
        found.add(Finding::OddStructure);
    }
    look_at(&document, &Object::Dictionary(document.trailer.clone()), &mut found);
    for object in document.objects.values() {
        look_at(&document, object, &mut found);
    }
    found
}

/// Whether the table names objects that could not be read, being too deep or broken.
fn has_lost_objects(document: &Document) -> bool {
    document.reference_table.entries.iter().any(|(number, entry)| match entry {
        lopdf::xref::XrefEntry::Normal { generation, .. } => {
            !document.objects.contains_key(&(*number, *generation))
        }
        lopdf::xref::XrefEntry::Compressed { .. } => !document.objects.contains_key(&(*number, 0)),
        _ => false,
    })
}

/// Whether there is a tree of pages with at least one, without loops.
fn has_sound_pages(document: &Document) -> bool {
    let root = document.catalog().and_then(|catalog| catalog.get(b"Pages"));
    let Ok(Object::Reference(root)) = root else { return false };
    let (mut waiting, mut seen, mut pages) = (vec![(*root, 0)], HashSet::new(), 0);
    while let Some((id, depth)) = waiting.pop() {
        if depth > TREE_DEPTH_MAX || seen.len() >= TREE_NODES_MAX || !seen.insert(id) {
            return false;
        }
        let Ok(node) = document.get_dictionary(id) else { return false };
        match node.get_deref(b"Kids", document) {
            Ok(Object::Array(kids)) => {
                for kid in kids {
                    let Object::Reference(kid) = kid else { return false };
                    waiting.push((*kid, depth + 1));
                }
            }
            Ok(_) => return false,
            Err(_) => pages += 1,
        }
    }
    pages > 0
}

/// Whether a stream is filtered again and again, or a page's drawing is far larger than it looks.
fn has_odd_streams(document: &Document) -> bool {
    let is_filtered_often = |object: &Object| match object {
        Object::Stream(stream) => match stream.dict.get(b"Filter") {
            Ok(Object::Array(filters)) => filters.len() > FILTERS_MAX,
            _ => false,
        },
        _ => false,
    };
    if document.objects.values().any(is_filtered_often) {
        return true;
    }
    let mut decoded: usize = 0;
    let mut seen = HashSet::new();
    for page in document.page_iter().take(TREE_NODES_MAX) {
        for id in document.get_page_contents(page) {
            if decoded > DECODED_BYTES_MAX {
                return false;
            }
            let Ok(Object::Stream(stream)) = document.get_object(id) else { continue };
            if !seen.insert(id) || !stream.is_compressed() {
                continue;
            }
            match stream.decompress_to_writer(&mut io::sink(), STREAM_BYTES_MAX) {
                Ok(bytes) => decoded += bytes,
                Err(Error::Decompress(_)) => return true,
                // A filter that the parser does not know is for readers to check.
                Err(_) => {}
            }
        }
    }
    false
}

fn look_at(document: &Document, object: &Object, found: &mut Findings) {
    let mut waiting = vec![object];
    let mut looked_at = 0;
    while let Some(object) = waiting.pop() {
        looked_at += 1;
        if looked_at > VALUES_MAX {
            found.add(Finding::OddStructure);
            return;
        }
        let dictionary = match object {
            Object::Array(values) => {
                waiting.extend(values);
                continue;
            }
            Object::Dictionary(dictionary) => dictionary,
            Object::Stream(stream) => &stream.dict,
            _ => continue,
        };
        look_at_dictionary(document, dictionary, found);
        waiting.extend(dictionary.iter().map(|(_, value)| value));
    }
}

fn look_at_dictionary(document: &Document, dictionary: &Dictionary, found: &mut Findings) {
    for (key, value) in dictionary {
        let finding = match key.as_slice() {
            b"JS" | b"JavaScript" => Finding::Script,
            b"EmbeddedFiles" | b"EF" => Finding::Attachment,
            b"XFA" if !matches!(value, Object::Null) => Finding::Xfa,
            b"AA" => Finding::OpenAction,
            // An array is only the page to begin with.
            b"OpenAction" if is_action(document, value) => Finding::OpenAction,
            b"S" | b"Type" | b"Subtype" => match value.as_name() {
                Ok(b"JavaScript") => Finding::Script,
                Ok(b"Launch" | b"ImportData") => Finding::Launch,
                Ok(b"EmbeddedFile" | b"FileAttachment" | b"GoToE") => Finding::Attachment,
                Ok(b"RichMedia" | b"Movie" | b"Screen" | b"3D") => Finding::RichMedia,
                _ => continue,
            },
            _ => continue,
        };
        found.add(finding);
    }
}

fn is_action(document: &Document, value: &Object) -> bool {
    let value: Result<(Option<ObjectId>, &Object), _> = document.dereference(value);
    match value {
        Ok((_, Object::Dictionary(action))) => {
            // Going to a page of the same file is what most do.
            !matches!(action.get(b"S").and_then(Object::as_name), Ok(b"GoTo"))
        }
        _ => false,
    }
}
