//! One call of the control API: who may make it, and what serves it; its description is made from the types that its
//! handler takes and gives.

use axum::extract::FromRequest;
use axum::http::Method;
use axum::routing::{MethodFilter, MethodRouter, on};
use domain::{Act, Role};

use super::answer::Answer;
use super::auth::Call;
use super::description::{About, Description};
use super::failure::Failure;
use super::request::Input;
use crate::app::SharedApp;

/// Who may make a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Access {
    /// Everybody, without a key.
    Anyone,
    /// Keys whose role may do this; of the tenant in the path, when there is one.
    Key(Act),
}

impl Access {
    /// The roles that may make the call; none when it needs no key.
    pub(super) fn roles(self) -> &'static [Role] {
        match self {
            Access::Anyone => &[],
            Access::Key(act) => act.roles(),
        }
    }
}

/// One call.
pub(super) struct Route {
    pub(super) method: Method,
    /// Below `/api/v1`.
    pub(super) path: &'static str,
    pub(super) access: Access,
    pub(super) serve: MethodRouter<SharedApp>,
    pub(super) description: Description,
}

impl Route {
    pub(super) fn new<Args, H: Handler<Args>>(
        method: Method,
        path: &'static str,
        act: Act,
        handler: H,
        about: &About,
    ) -> Route {
        let mut description = Description::new(about, path);
        H::describe(&mut description, about.gives);
        for (status, text) in about.others {
            description.answer(*status, text, None);
        }
        let filter = MethodFilter::try_from(method.clone()).expect("a method that axum routes");
        let (access, serve) = (Access::Key(act), handler.serve(filter));
        Route { method, path, access, serve, description }
    }
}

/// What serves a call: an async function of the [`Call`], and of what comes with it if that is needed.
pub(super) trait Handler<Args>: 'static {
    /// Adds what the function takes and gives.
    fn describe(description: &mut Description, gives: &str);

    fn serve(self, method: MethodFilter) -> MethodRouter<SharedApp>;
}

impl<F, Fut, A> Handler<()> for F
where
    F: Fn(Call) -> Fut + Clone + Send + Sync + 'static,
    Fut: Future<Output = Result<A, Failure>> + Send + 'static,
    A: Answer,
{
    fn describe(description: &mut Description, gives: &str) {
        A::describe(description, gives);
    }

    fn serve(self, method: MethodFilter) -> MethodRouter<SharedApp> {
        on(method, self)
    }
}

impl<F, Fut, M, I, A> Handler<(M, I)> for F
where
    F: Fn(Call, I) -> Fut + Clone + Send + Sync + 'static,
    Fut: Future<Output = Result<A, Failure>> + Send + 'static,
    I: Input + FromRequest<SharedApp, M> + Send + 'static,
    A: Answer,
    M: 'static,
{
    fn describe(description: &mut Description, gives: &str) {
        I::describe(description);
        A::describe(description, gives);
    }

    fn serve(self, method: MethodFilter) -> MethodRouter<SharedApp> {
        on(method, self)
    }
}
