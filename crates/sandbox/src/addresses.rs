//! Which addresses a plugin may reach: those of the public internet.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// IPv4 networks that are no public hosts: the registry of special-purpose addresses (RFC 6890 and its successors at IANA), multicast and
/// what is reserved. Services that hand out credentials to virtual machines live in 169.254.0.0/16, 100.64.0.0/10 and 192.0.0.0/24, and
/// one at an address that looks public.
const V4: [([u8; 4], u32); 17] = [
    ([0, 0, 0, 0], 8),
    ([10, 0, 0, 0], 8),
    ([100, 64, 0, 0], 10),
    ([127, 0, 0, 0], 8),
    ([168, 63, 129, 16], 32),
    ([169, 254, 0, 0], 16),
    ([172, 16, 0, 0], 12),
    ([192, 0, 0, 0], 24),
    ([192, 0, 2, 0], 24),
    ([192, 31, 196, 0], 24),
    ([192, 88, 99, 0], 24),
    ([192, 168, 0, 0], 16),
    ([198, 18, 0, 0], 15),
    ([198, 51, 100, 0], 24),
    ([203, 0, 113, 0], 24),
    ([224, 0, 0, 0], 4),
    ([240, 0, 0, 0], 4),
];

/// IPv6 networks inside of 2000::/3, the global unicast addresses, that are no public hosts: protocols and tunnels (Teredo, 6to4), documentation.
const V6: [([u16; 2], u32); 5] = [
    ([0x2001, 0x0000], 23),
    ([0x2001, 0x0db8], 32),
    ([0x2002, 0x0000], 16),
    ([0x2620, 0x004f], 32),
    ([0x3fff, 0x0000], 20),
];

/// Whether `address` is on the public internet.
pub(crate) fn public(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(address) => public_v4(address),
        IpAddr::V6(address) => public_v6(address),
    }
}

fn public_v4(address: Ipv4Addr) -> bool {
    let bits = address.to_bits();
    !V4.iter().any(|(network, length)| (bits ^ u32::from_be_bytes(*network)).leading_zeros() >= *length)
}

fn public_v6(address: Ipv6Addr) -> bool {
    let [a, b, c, d, e, f, high, low] = address.segments();
    let [h1, h2] = high.to_be_bytes();
    let [l1, l2] = low.to_be_bytes();
    let embedded = Ipv4Addr::new(h1, h2, l1, l2);
    match [a, b, c, d, e, f] {
        // An IPv4 address in IPv6's clothes (RFC 4291, section 2.5.5.2), or behind NAT64 (RFC 6052): the host it leads to is the IPv4 one.
        [0, 0, 0, 0, 0, 0xffff] | [0x64, 0xff9b, 0, 0, 0, 0] => public_v4(embedded),
        _ => {
            let bits = (u32::from(a) << 16) | u32::from(b);
            let special = |([a, b], length): &([u16; 2], u32)| {
                (bits ^ ((u32::from(*a) << 16) | u32::from(*b))).leading_zeros() >= *length
            };
            a & 0xe000 == 0x2000 && !V6.iter().any(special)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::public;

    #[test]
    fn public_addresses_are_reached() {
        for address in
            ["1.1.1.1", "8.8.8.8", "100.63.0.1", "172.32.0.1", "2606:4700::1111", "::ffff:1.1.1.1", "64:ff9b::101:101"]
        {
            assert!(public(address.parse().expect(address)), "{address}");
        }
    }

    #[test]
    fn others_are_not() {
        for address in [
            "0.0.0.0",
            "10.1.2.3",
            "100.64.0.1",
            "100.100.100.200",
            "127.0.0.1",
            "168.63.129.16",
            "169.254.169.254",
            "172.16.0.1",
            "172.31.255.255",
            "192.0.0.192",
            "192.168.0.1",
            "198.18.0.1",
            "224.0.0.1",
            "255.255.255.255",
            "::",
            "::1",
            "::127.0.0.1",
            "::ffff:169.254.169.254",
            "::ffff:10.0.0.1",
            "64:ff9b::a9fe:a9fe",
            "64:ff9b:1::1",
            "fe80::1",
            "fec0::1",
            "fc00::1",
            "fd00:ec2::254",
            "ff02::1",
            "2001::1",
            "2001:db8::1",
            "2002:a9fe:a9fe::1",
            "3fff::1",
            "100::1",
        ] {
            assert!(!public(address.parse().expect(address)), "{address}");
        }
    }
}
