//! Another program's collection in a real gnome-keyring, with what aws-vault keeps in it.
//!
//! A collection is made by answering a prompt. gnome-keyring has an interface of its own that takes the
//! password in the message instead, for the tests of those who write it.

use std::collections::HashMap;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use zbus::blocking::Connection;
use zbus::blocking::connection::Builder;
use zbus::zvariant::{DynamicType, ObjectPath, OwnedObjectPath, OwnedValue, Value};

use super::keyring::Keyring;

const SERVICE: &str = "org.freedesktop.secrets";
const ROOT: &str = "/org/freedesktop/secrets";

/// A collection, unlocked until it is locked.
pub struct Collection {
    connection: Connection,
    path: OwnedObjectPath,
}

impl Collection {
    /// Makes one with these items: names, and the bytes under them.
    pub fn make(keyring: &Keyring<'_>, name: &str, items: &[(&str, String)]) -> Self {
        let connection = Builder::address(keyring.address()).and_then(Builder::build);
        let connection = connection.expect("connect to the bus");
        let call = |path: &ObjectPath<'_>, interface: &str, method: &str, body: Body<'_>| {
            call(&connection, path, interface, method, body)
        };
        let root = ObjectPath::try_from(ROOT).expect("a path");
        let opened = call(
            &root,
            "org.freedesktop.Secret.Service",
            "OpenSession",
            Body::Session("plain", Value::from("")),
        );
        let (_, session): (OwnedValue, OwnedObjectPath) =
            opened.body().deserialize().expect("a session");
        let secret = |bytes: &[u8]| Secret {
            session: session.clone(),
            bytes: bytes.to_vec(),
        };
        let label = HashMap::from([("org.freedesktop.Secret.Collection.Label", Value::from(name))]);
        let made = call(
            &root,
            "org.gnome.keyring.InternalUnsupportedGuiltRiddenInterface",
            "CreateWithMasterPassword",
            Body::Collection(label, secret(b"password-of-the-other-collection")),
        );
        let path: OwnedObjectPath = made.body().deserialize().expect("a collection");
        for (name, content) in items {
            let properties = HashMap::from([
                ("org.freedesktop.Secret.Item.Label", Value::from(*name)),
                (
                    "org.freedesktop.Secret.Item.Attributes",
                    Value::from(HashMap::from([("profile", *name)])),
                ),
            ]);
            let item = secret(item(name, content).as_bytes());
            call(
                &path,
                "org.freedesktop.Secret.Collection",
                "CreateItem",
                Body::Item(properties, item),
            );
        }
        Self { connection, path }
    }

    /// Locks it.
    pub fn lock(&self) {
        let root = ObjectPath::try_from(ROOT).expect("a path");
        call(
            &self.connection,
            &root,
            "org.freedesktop.Secret.Service",
            "Lock",
            Body::Lock(self.path.clone()),
        );
    }
}

/// What the library that aws-vault is built with puts around the bytes.
pub fn item(name: &str, content: &str) -> String {
    let data = STANDARD.encode(content);
    format!(
        "{{\"Key\":\"{name}\",\"Data\":\"{data}\",\"Label\":\"aws-vault ({name})\",\"Description\":\"\",\
         \"KeychainNotTrustApplication\":true,\"KeychainNotSynchronizable\":false}}"
    )
}

/// A long-lived key as aws-vault writes it.
pub fn access_key(id: &str, secret: &str) -> String {
    format!(
        "{{\"AccessKeyID\":\"{id}\",\"SecretAccessKey\":\"{secret}\",\"SessionToken\":\"\",\"ProviderName\":\"\"}}"
    )
}

struct Secret {
    session: OwnedObjectPath,
    bytes: Vec<u8>,
}

impl Secret {
    /// `(oayays)`
    fn parts(self) -> (OwnedObjectPath, Vec<u8>, Vec<u8>, &'static str) {
        (self.session, Vec::new(), self.bytes, "application/json")
    }
}

enum Body<'b> {
    Session(&'b str, Value<'b>),
    Collection(HashMap<&'b str, Value<'b>>, Secret),
    Item(HashMap<&'b str, Value<'b>>, Secret),
    Lock(OwnedObjectPath),
}

fn call(
    connection: &Connection,
    path: &ObjectPath<'_>,
    interface: &str,
    method: &str,
    body: Body<'_>,
) -> zbus::Message {
    fn send(
        connection: &Connection,
        (path, interface, method): (&ObjectPath<'_>, &str, &str),
        body: &(impl serde::Serialize + DynamicType),
    ) -> zbus::Message {
        let answer = connection.call_method(Some(SERVICE), path, Some(interface), method, body);
        answer.unwrap_or_else(|error| panic!("{method}: {error}"))
    }
    let to = (path, interface, method);
    match body {
        Body::Session(algorithm, input) => send(connection, to, &(algorithm, input)),
        Body::Collection(properties, secret) => send(connection, to, &(properties, secret.parts())),
        Body::Item(properties, secret) => send(connection, to, &(properties, secret.parts(), true)),
        Body::Lock(path) => send(connection, to, &(vec![path],)),
    }
}
