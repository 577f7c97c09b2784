// Which addresses the service may connect to: public ones, and the networks that the operator allows. Pure: resolves
// no names and opens no connections.
import { isIP } from 'node:net';
import ipaddr from 'ipaddr.js';

type Address = ipaddr.IPv4 | ipaddr.IPv6;

/** A network named by the operator (S5), on every port or on `port` alone. */
export interface AllowedNetwork {
  readonly address: string;
  readonly prefixLength: number;
  readonly port?: number;
}

/**
 * Reads one entry of FETCH_ALLOW: an address or CIDR, and a port after a colon if only that port is meant
 * (`10.0.0.5`, `127.0.0.0/8`, `127.0.0.1/32:8080`, `::1/128`, `[::1]:8080`). Throws an Error that says what is wrong.
 */
export function parseAllowed(text: string): AllowedNetwork {
  const parts =
    isIP(text) === 6
      ? [text, undefined, text]
      : /^(?:\[([^\]]*)\]|([^[\]/]+?))(?:\/(\d{1,3}))?(?::(\d{1,5}))?$/.exec(text);
  const host = parts?.[1] ?? parts?.[2] ?? '';
  const family = isIP(host);
  if (parts === null || family === 0 || host.includes('%') || (parts[1] !== undefined && family === 4)) {
    throw new Error(`"${text}" is not an allowed network: write 10.0.0.0/8, 127.0.0.1:8080 or [::1]/128:8080`);
  }
  const address = readAddress(host);
  if (address === null || (family === 6 && address.kind() === 'ipv4')) {
    throw new Error(`"${text}": write an IPv4 network in its IPv4 form`);
  }
  const longest = family === 4 ? 32 : 128;
  const prefixLength = Number(parts[3] ?? longest);
  if (prefixLength > longest) throw new Error(`"${text}": the prefix length is at most ${longest}`);
  const first = (family === 4 ? ipaddr.IPv4 : ipaddr.IPv6)
    .networkAddressFromCIDR(`${address}/${prefixLength}`)
    .toString();
  if (first !== address.toString()) {
    throw new Error(`"${text}": not the first address of its network; write ${first}/${prefixLength} or ${host}`);
  }
  if (parts[4] === undefined) return { address: first, prefixLength };
  const port = Number(parts[4]);
  if (port < 1 || port > 65_535) throw new Error(`"${text}": a port is between 1 and 65535`);
  return { address: first, prefixLength, port };
}

/** Whether one of `networks` holds this address and port. An IPv4-mapped address counts as the IPv4 address it is. */
export function isCovered(text: string, port: number, networks: readonly AllowedNetwork[]): boolean {
  const address = readAddress(text);
  return (
    address !== null &&
    networks.some(
      (network) =>
        (network.port === undefined || network.port === port) &&
        isWithin(address, `${network.address}/${network.prefixLength}`),
    )
  );
}

/**
 * Whether `text` is an address literal of the public internet (S4). An IPv6 address that carries an IPv4 address
 * (mapped, NAT64, 6to4) is judged by that one. Everything that is no address, or that no one was given, is not public.
 */
export function isPublicAddress(text: string): boolean {
  const address = readAddress(text);
  return address !== null && isPublic(address);
}

// Range names alone do not do: Azure's metadata service has an address out of the public range, and ipaddr.js calls
// ::/96 and all unassigned IPv6 space unicast.
function isPublic(address: Address): boolean {
  if (address instanceof ipaddr.IPv4) return address.range() === 'unicast' && address.toString() !== '168.63.129.16';
  const bytes = address.toByteArray();
  if (isWithin(address, '64:ff9b::/96')) return isPublic(new ipaddr.IPv4(bytes.slice(12)));
  if (isWithin(address, '2002::/16')) return isPublic(new ipaddr.IPv4(bytes.slice(2, 6)));
  return isWithin(address, '2000::/3') && address.range() === 'unicast';
}

function isWithin(address: Address, cidr: string): boolean {
  const network = ipaddr.parseCIDR(cidr);
  return network[0].kind() === address.kind() && address.match(network);
}

// ipaddr.js also reads "127.1", which Node does not take for an address, and reads ::10.0.0.1 as ::ffff:10.0.0.1, which
// is another address: so IPv6 goes through the URL parser, which writes it without dots.
function readAddress(text: string): Address | null {
  const family = isIP(text);
  if (family === 0) return null;
  return ipaddr.process(family === 4 ? text : new URL(`http://[${text.replace(/%.*/, '')}]`).hostname.slice(1, -1));
}
