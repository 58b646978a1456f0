//! Ways in for people from the machine itself: the address of the first set-up, and an operator's invitation when none can sign
//! in any more.

use system::clock::Clock;

use crate::Server;
use crate::config::Config;
use crate::public_url;
use crate::start_error::StartError;
use crate::storage::open_installation;

impl Server {
    /// The address at which the installation gets its first person, good once; none when it has one. An address of before is
    /// good no more.
    pub async fn set_up_address(&self) -> Result<Option<String>, StartError> {
        Ok(hub::setup::begin(&self.app.hub).await?)
    }
}

/// Invites an operator; gives the address, below the public one when that is set. On the embedded database only while no
/// server has it open.
pub async fn invite_operator(
    config: &Config,
    clock: &Clock,
    email: &str,
) -> Result<String, StartError> {
    public_url::check(config)?;
    let store = open_installation(config, clock).await?;
    let invited = hub::invitations::create_for_operator(&store, clock.now(), email).await;
    store.close().await;
    let path = match invited {
        Ok(path) => path,
        Err(hub::Error::Fault(fault)) => return Err(fault.into()),
        Err(_) => return Err(StartError::MailAddress),
    };
    let base = config.public_url.as_deref().unwrap_or_default();
    Ok(format!("{}{path}", base.trim_end_matches('/')))
}
