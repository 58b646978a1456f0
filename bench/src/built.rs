//! What a delivery must be made of, whoever makes it: what an order's event says is opened and rendered, encrypted and
//! signed, and the attempt is sealed. Done with the functions that the server uses, and nothing else.

use anyhow::bail;
use bytes::Bytes;
use contract::event::{self, CheckCreated, Event, Header};
use contract::seal;
use domain::TenantId;
use store::content::{HttpExchange, to_text};
use store::{Key, RowContext};

use crate::deliveries::{NONCE, TIMESTAMP};
use crate::names;

/// What one event is made from, as it lies in the database.
pub(crate) struct Maker {
    tenant_key: Key,
    wrapped_key: Vec<u8>,
    header: Header,
    /// What the event says, for the order's form, which is nearly the same.
    sealed: Vec<u8>,
}

/// An event on its way.
pub(crate) struct Built {
    key: Key,
    pub(crate) body: Bytes,
    pub(crate) signature: String,
}

impl Maker {
    /// Makes the event of this body again and again, which is about a new order.
    pub(crate) fn new(body: &[u8]) -> anyhow::Result<Maker> {
        let (header, event) = event::read(&seal::decrypt(names::ENCRYPT_KEY, body)?)?;
        let Event::CheckCreated(created) = event else { bail!("expected an order's event") };
        let (tenant_key, order_key) = (Key::random(), Key::random());
        let wrapped_key = tenant_key.seal(context(), order_key.bytes());
        let sealed = order_key.seal(context(), &serde_json::to_vec(&created)?);
        Ok(Maker { tenant_key, wrapped_key, header, sealed })
    }

    /// Opens, reads, renders, encrypts and signs.
    pub(crate) fn make(&self) -> anyhow::Result<Built> {
        let key = self.tenant_key.open_key(context(), &self.wrapped_key)?;
        let created: CheckCreated = serde_json::from_slice(&key.open(context(), &self.sealed)?)?;
        let plain = event::render(&self.header, &Event::CheckCreated(Box::new(created)));
        let iv = Key::random().bytes()[..seal::IV_BYTES].try_into()?;
        let body = seal::encrypt(names::ENCRYPT_KEY, iv, &plain);
        let signature = seal::signature(TIMESTAMP, NONCE, names::ENCRYPT_KEY, &body);
        Ok(Built { key, body: Bytes::from(body), signature })
    }
}

impl Built {
    /// The attempt as it is stored.
    pub(crate) fn sealed(&self) -> anyhow::Result<Vec<u8>> {
        let request = std::str::from_utf8(&self.body)?.to_owned();
        let exchange = HttpExchange {
            request,
            response: "{\"msg\":\"success\"}".to_owned(),
            connection_id: None,
        };
        Ok(self.key.seal(context(), &to_text(&exchange)))
    }
}

fn context() -> RowContext {
    RowContext::new("attempts", TenantId(1), 1)
}
