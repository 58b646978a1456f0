//! How a content is sealed: in chunks, so that ranges can be read alone and whatever was done to an object is seen.
//!
//! ```text
//! object = header (11 bytes) chunk*            header = "PBO" version (1) prefix (7, at random)
//! chunk  = cipher text, 65,536 bytes but for the last one, and tag (16)
//! ```
//!
//! Each chunk is AES-256-GCM under the content's key, in the STREAM construction (Hoang et al.: Online
//! Authenticated-Encryption and its Nonce-Reuse Misuse-Resistance, 2015): nonce = prefix, chunk number (4 bytes), 1
//! for the last chunk else 0; associated data = header, tenant, name. So a chunk opens only in its own place, and
//! truncation shows. An empty content has one empty chunk.

use aws_lc_rs::aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use domain::{Id, TenantId};

use system::random;
use zeroize::Zeroizing;

/// Bytes of a content that are sealed together.
pub const CHUNK_BYTES: usize = 64 * 1024;
const TAG_BYTES: usize = 16;
/// Bytes of a chunk as it lies in the object.
pub(super) const SEALED_CHUNK_BYTES: usize = CHUNK_BYTES + TAG_BYTES;
pub(super) const HEADER_BYTES: usize = MAGIC.len() + PREFIX_BYTES;
/// `PBO` and the version of this format.
const MAGIC: [u8; 4] = *b"PBO\x01";
const PREFIX_BYTES: usize = 7;
const BOUND_BYTES: usize = HEADER_BYTES + 16;

/// Bytes of the object whose content has `size_bytes`.
pub(super) fn sealed_bytes(size_bytes: u64) -> u64 {
    HEADER_BYTES as u64 + size_bytes + chunk_count(size_bytes) * TAG_BYTES as u64
}

fn chunk_count(size_bytes: u64) -> u64 {
    size_bytes.div_ceil(CHUNK_BYTES as u64).max(1)
}

/// What every chunk of an object is sealed under and bound to.
struct Bound {
    cipher: LessSafeKey,
    associated: [u8; BOUND_BYTES],
}

impl Bound {
    fn new(
        key: &[u8; 32],
        header: &[u8; HEADER_BYTES],
        tenant_id: TenantId,
        object_id: Id,
    ) -> Bound {
        let mut associated = [0; BOUND_BYTES];
        associated[..HEADER_BYTES].copy_from_slice(header);
        associated[HEADER_BYTES..HEADER_BYTES + 8].copy_from_slice(&tenant_id.0.to_be_bytes());
        associated[HEADER_BYTES + 8..].copy_from_slice(&object_id.0.to_be_bytes());
        let key = UnboundKey::new(&AES_256_GCM, key).expect("32 bytes are an AES-256 key");
        Bound { cipher: LessSafeKey::new(key), associated }
    }

    fn nonce(&self, index: u32, is_last: bool) -> Nonce {
        let mut nonce = [0; NONCE_LEN];
        nonce[..PREFIX_BYTES].copy_from_slice(&self.associated[MAGIC.len()..HEADER_BYTES]);
        nonce[PREFIX_BYTES..PREFIX_BYTES + 4].copy_from_slice(&index.to_be_bytes());
        nonce[NONCE_LEN - 1] = u8::from(is_last);
        Nonce::assume_unique_for_key(nonce)
    }
}

/// Seals a content piece by piece, under a key that is made with it and used for nothing else.
pub(super) struct Sealer {
    bound: Bound,
    key: Zeroizing<[u8; 32]>,
    index: u32,
    /// What does not fill a chunk yet, or may be the last one.
    rest: Vec<u8>,
}

impl Sealer {
    /// Begins an object; its header goes to `out`.
    pub(super) fn new(tenant_id: TenantId, object_id: Id, out: &mut Vec<u8>) -> Sealer {
        let mut header = [0; HEADER_BYTES];
        header[..MAGIC.len()].copy_from_slice(&MAGIC);
        header[MAGIC.len()..].copy_from_slice(&random::bytes::<PREFIX_BYTES>());
        out.extend_from_slice(&header);
        let key = Zeroizing::new(random::bytes());
        let bound = Bound::new(&key, &header, tenant_id, object_id);
        Sealer { bound, key, index: 0, rest: Vec::with_capacity(CHUNK_BYTES) }
    }

    /// Takes a piece; the chunks that it completes go to `out`.
    pub(super) fn take(&mut self, mut piece: &[u8], out: &mut Vec<u8>) {
        while !piece.is_empty() {
            // Only what comes after a chunk says that it is not the last one.
            if self.rest.len() == CHUNK_BYTES {
                self.seal(false, out);
            }
            let (taken, left) = piece.split_at(piece.len().min(CHUNK_BYTES - self.rest.len()));
            self.rest.extend_from_slice(taken);
            piece = left;
        }
    }

    pub(super) fn finish(mut self, out: &mut Vec<u8>) -> Zeroizing<[u8; 32]> {
        self.seal(true, out);
        self.key
    }

    fn seal(&mut self, is_last: bool, out: &mut Vec<u8>) {
        let begin = out.len();
        out.append(&mut self.rest);
        let nonce = self.bound.nonce(self.index, is_last);
        let associated = Aad::from(&self.bound.associated);
        let sealed =
            self.bound.cipher.seal_in_place_separate_tag(nonce, associated, &mut out[begin..]);
        out.extend_from_slice(sealed.expect("64 KiB can be sealed").as_ref());
        self.index = self.index.checked_add(1).expect("a content is smaller than 256 TiB");
    }
}

pub(super) struct Opener {
    bound: Bound,
    size_bytes: u64,
}

impl Opener {
    pub(super) fn new(
        key: &[u8; 32],
        header: &[u8],
        tenant_id: TenantId,
        object_id: Id,
        size_bytes: u64,
    ) -> Option<Opener> {
        let header: &[u8; HEADER_BYTES] = header.try_into().ok()?;
        if !header.starts_with(&MAGIC) || chunk_count(size_bytes) > u64::from(u32::MAX) {
            return None;
        }
        Some(Opener { bound: Bound::new(key, header, tenant_id, object_id), size_bytes })
    }

    pub(super) fn size_bytes(&self) -> u64 {
        self.size_bytes
    }

    pub(super) fn chunk_count(&self) -> u64 {
        chunk_count(self.size_bytes)
    }

    /// Where the chunk begins in the object, and how long it is there.
    pub(super) fn position(&self, index: u64) -> (u64, usize) {
        let begin = HEADER_BYTES as u64 + index * SEALED_CHUNK_BYTES as u64;
        let length = (sealed_bytes(self.size_bytes) - begin).min(SEALED_CHUNK_BYTES as u64);
        (begin, usize::try_from(length).expect("a chunk fits into memory"))
    }

    /// Opens a chunk in its place, and cuts its tag off; false when it is not what was written there.
    pub(super) fn open(&self, index: u64, chunk: &mut Vec<u8>) -> bool {
        let is_last = index + 1 == self.chunk_count();
        let Ok(number) = u32::try_from(index) else { return false };
        let nonce = self.bound.nonce(number, is_last);
        let associated = Aad::from(&self.bound.associated);
        let opened =
            self.bound.cipher.open_in_place(nonce, associated, chunk).map(|plain| plain.len());
        match opened {
            Ok(length) => chunk.truncate(length),
            Err(_) => chunk.clear(),
        }
        opened.is_ok()
    }
}
