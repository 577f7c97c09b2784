// Hosts and pages in the form that rules compare them in, so that no way of writing an address passes by a rule. Compares
// nothing, resolves nothing.
import { parse } from 'tldts';
import { cleanText } from '../text.ts';
import { parseUrl } from '../url.ts';

/** A page as rules see it: its host, and its path by segments. */
export interface Place {
  host: string;
  segments: string[];
}

/** The ASCII form of a host, in lower case, without final dot and leading `www.`; null for what is no host. */
export function hostKey(written: string): string | null {
  if (!/^(?:\[[0-9a-f:.]+\]|[^\s:/?#@\\[\]]+)$/i.test(written)) return null;
  const url = parseUrl(`http://${written}`);
  return url === null ? null : bare(url.hostname) || null;
}

/** Scheme, port, query and fragment do not matter, nor does case. */
export function placeOf(url: URL): Place {
  const segments = url.pathname.split('/').filter((segment) => segment !== '');
  return { host: bare(url.hostname), segments: segments.map(decoded) };
}

/** Whether the hosts below belong to many owners, as those below `com`, `co.uk` and `github.io` do. */
export function isPublicSuffix(host: string): boolean {
  const { domain, isIp } = parse(host, { allowPrivateDomains: true });
  return domain === null && isIp !== true;
}

/** `a.b.c`, `b.c`, `c`: a host and all above it, by whole labels. */
export function* withParents(host: string): Generator<string> {
  for (let at = 0; ; ) {
    yield host.slice(at);
    const dot = host.indexOf('.', at);
    if (dot === -1) return;
    at = dot + 1;
  }
}

function bare(hostname: string): string {
  return hostname.replace(/\.+$/, '').replace(/^www\d?\.(?=[^.]+\.)/, '');
}

/** Letters may be escaped without need; what cannot be decoded stays as it is. */
function decoded(segment: string): string {
  try {
    return cleanText(decodeURIComponent(segment)).toLowerCase();
  } catch {
    return segment.toLowerCase();
  }
}
