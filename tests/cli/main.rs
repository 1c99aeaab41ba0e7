//! x
#![allow(dead_code)]
#[path = "../support/fake_aws/mod.rs"] mod fake_aws;
