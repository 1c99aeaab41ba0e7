//! IAM Identity Center: signing in (the `sso-oidc` service) and what a sign-in gets (the `sso`
//! portal). It keeps nothing: `broker` does.

mod device;
mod oidc;
mod portal;

pub use device::DeviceAuthorization;
pub use oidc::Oidc;
pub use portal::Portal;
