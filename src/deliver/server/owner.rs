//! Whose a connection from this machine is. Linux says it; where no system does, it counts as the user's
//! own.

use std::net::SocketAddr;

/// Whether the user who runs vault holds the client's end of a connection.
#[cfg(target_os = "linux")]
pub(super) fn is_own(client: SocketAddr, server: SocketAddr) -> bool {
    let own = rustix::process::geteuid().as_raw();
    // A program may have made its connection with a socket for IPv6.
    let tables = ["/proc/net/tcp", "/proc/net/tcp6"];
    let mut tables = tables
        .iter()
        .filter_map(|table| std::fs::read_to_string(table).ok());
    tables.find_map(|table| owner(&table, client, server)) == Some(own)
}

/// Whether the user who runs vault holds the client's end of a connection.
#[cfg(not(target_os = "linux"))]
pub(super) fn is_own(_client: SocketAddr, _server: SocketAddr) -> bool {
    true
}

/// The user id in the row of a connection's end
/// (<https://docs.kernel.org/networking/proc_net_tcp.html>).
#[cfg(target_os = "linux")]
fn owner(table: &str, local: SocketAddr, remote: SocketAddr) -> Option<u32> {
    let (local, remote) = (written(local)?, written(remote)?);
    let is = |field: &str, address: &[String; 2]| address.iter().any(|form| form == field);
    table.lines().skip(1).find_map(|row| {
        let fields: Vec<_> = row.split_ascii_whitespace().collect();
        let ends = is(fields.get(1)?, &local) && is(fields.get(2)?, &remote);
        ends.then(|| fields.get(7)?.parse().ok()).flatten()
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
    Some([
        format!("{plain}:{port:04X}"),
        format!("{mapped}:{port:04X}"),
    ])
}

#[cfg(all(test, target_os = "linux", target_endian = "little"))]
mod tests {
    use super::*;

    const TABLE: &str = "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode\n\
        \x20  0: 0100007F:1F90 00000000:0000 0A 00000000:00000000 00:00000000 00000000  1000        0 1 1\n\
        \x20  1: 0100007F:1F90 0100007F:BF68 01 00000000:00000000 00:00000000 00000000  1000        0 2 1\n\
        \x20  2: 0100007F:BF68 0100007F:1F90 01 00000000:00000000 00:00000000 00000000  1001        0 3 1\n\
        \x20  3: 0000000000000000FFFF00000100007F:BF69 0000000000000000FFFF00000100007F:1F90 01 \
        00000000:00000000 00:00000000 00000000  1002        0 4 1\n";

    #[test]
    fn the_row_of_the_clients_end_says_whose_it_is() {
        let at = |port: u16| SocketAddr::from(([127, 0, 0, 1], port));
        let table = [(49_000, Some(1001)), (49_001, Some(1002)), (49_002, None)];
        for (client, expected) in table {
            assert_eq!(owner(TABLE, at(client), at(8080)), expected, "{client}");
        }
        assert_eq!(owner("", at(49_000), at(8080)), None);
        assert_eq!(owner(TABLE, at(49_000), at(8081)), None);
    }
}
