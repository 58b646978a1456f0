//! `probity openapi`: the server's own description of its control API.

use crate::output::print_json;
use crate::shared_args::Global;

pub(crate) async fn run(global: &Global) -> anyhow::Result<()> {
    print_json(&global.anyone()?.get_openapi().await?)
}
