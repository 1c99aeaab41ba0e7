//! IAM Identity Center: signing in (the `sso-oidc` service) and what a sign-in gets (the `sso`
//! portal). It keeps nothing: `broker` does.

mod authorization_code;
mod callback;
mod device;
mod listing;
mod oidc;
mod page;
mod portal;
mod start_page;

pub use authorization_code::CodeAuthorization;
pub use device::DeviceAuthorization;
pub use listing::{Lister, Roles};
pub use oidc::Oidc;
pub use page::Ending;
pub use portal::Portal;
pub use start_page::region;
