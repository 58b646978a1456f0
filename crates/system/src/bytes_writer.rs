//! Where a content goes while it comes: the object store, a scanner, memory.

use std::io;

use bytes::Bytes;

/// Takes a content piece by piece.
pub trait BytesWriter: Send {
    /// Takes the next piece; waits until there is room. After an error nothing more may be written.
    fn write(&mut self, piece: Bytes) -> impl Future<Output = io::Result<()>> + Send;
}

impl BytesWriter for Vec<u8> {
    async fn write(&mut self, piece: Bytes) -> io::Result<()> {
        self.extend_from_slice(&piece);
        Ok(())
    }
}
