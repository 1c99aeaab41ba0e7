//! Whose a connection from this machine is, where the system says: Linux keeps a table of sockets with
//! their owners. What is among a program's arguments every user of a machine can read; with this, to have
//! read it is of no use to them.

use std::net::SocketAddr;

/// Whether this system says it.
pub const OWNERS_ARE_KNOWN: bool = cfg!(target_os = "linux");

/// Who holds the client's end of a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(
    not(target_os = "linux"),
    expect(dead_code, reason = "only Linux says it")
)]
pub enum Owner {
    /// The user who runs vault.
    Own,
    /// Root, from whom there is no protection, and who carries the connections of Windows's browser into
    /// its Linux.
    Root,
    /// Another user.
    Another,
    /// Nobody says: another system, no `/proc`, a connection that is closed by now.
    Unknown,
}

/// Who holds the end `client` of a connection to `server`.
#[cfg(target_os = "linux")]
pub fn owner(client: SocketAddr, server: SocketAddr) -> Owner {
    let own = rustix::process::geteuid().as_raw();
    // A program may have made its connection with a socket for IPv6.
    let tables = ["/proc/net/tcp", "/proc/net/tcp6"].map(std::fs::read_to_string);
    let mut tables = tables.into_iter().flatten();
    match tables.find_map(|table| user(&table, client, server)) {
        Some(user) if user == own => Owner::Own,
        Some(0) => Owner::Root,
        Some(_) => Owner::Another,
        None => Owner::Unknown,
    }
}

/// Who holds the end `client` of a connection to `server`.
#[cfg(not(target_os = "linux"))]
pub const fn owner(_client: SocketAddr, _server: SocketAddr) -> Owner {
    Owner::Unknown
}

/// The user id in the row of a connection's end
/// (<https://docs.kernel.org/networking/proc_net_tcp.html>).
#[cfg(target_os = "linux")]
fn user(table: &str, local: SocketAddr, remote: SocketAddr) -> Option<u32> {
    let (local, remote) = (written(local)?, written(remote)?);
    table.lines().skip(1).find_map(|row| {
        let mut fields = row.split_ascii_whitespace().skip(1);
        let ends = local.iter().any(|form| fields.clone().next() == Some(form))
            && remote
                .iter()
                .any(|form| fields.clone().nth(1) == Some(form));
        ends.then(|| fields.nth(6)?.parse().ok()).flatten()
    })
}

/// An address as the kernel writes it, in hexadecimal words of its own byte order: as it is, and mapped
/// into IPv6.
#[cfg(target_os = "linux")]
fn written(address: SocketAddr) -> Option<[String; 2]> {
    let SocketAddr::V4(address) = address else {
        return None;
    };
    let words = |octets: &[u8]| -> String {
        let words = octets.as_chunks().0.iter();
        words
            .map(|word| format!("{:08X}", u32::from_ne_bytes(*word)))
            .collect()
    };
    let port = address.port();
    let plain = words(&address.ip().octets());
    let mapped = words(&address.ip().to_ipv6_mapped().octets());
    Some([plain, mapped].map(|address| format!("{address}:{port:04X}")))
}

#[cfg(all(test, target_os = "linux", target_endian = "little"))]
mod tests {
    use super::user;

    #[test]
    fn the_row_of_the_clients_end_says_whose_it_is() {
        let table = "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode\n\
            0: 0100007F:8AE3 00000000:0000 0A 00000000:00000000 00:00000000 00000000  1000        0 51 1\n\
            1: 0100007F:8AE3 0100007F:D43E 01 00000000:00000000 00:00000000 00000000  1000        0 52 1\n\
            2: 0100007F:D43E 0100007F:8AE3 01 00000000:00000000 00:00000000 00000000  1001        0 53 1\n\
            3: 0000000000000000FFFF00000100007F:D43F 0000000000000000FFFF00000100007F:8AE3 01 00000000:00000000 00:00000000 00000000  1002        0 54 1\n";
        let server = "127.0.0.1:35555";
        for (table, client, server, expected) in [
            (table, "127.0.0.1:54334", server, Some(1001)),
            (table, "127.0.0.1:54335", server, Some(1002)),
            (table, "127.0.0.1:54336", server, None),
            (table, "127.0.0.1:54334", "127.0.0.1:35556", None),
            (table, "[::1]:54334", server, None),
            ("", "127.0.0.1:54334", server, None),
        ] {
            let (client, server) = (client.parse().unwrap(), server.parse().unwrap());
            assert_eq!(user(table, client, server), expected, "{client} {server}");
        }
    }
}
