// The pingback door: XML-RPC methods over POST (Pingback 1.0). Every answer but the transport's own is HTTP 200 with a
// result or a fault, since clients take any other status for a broken server.
import { Hono } from 'hono';
import { CodedError } from '../errors.ts';
import { type Ctx, type Env, readBody } from '../http.ts';
import { cleanText } from '../text.ts';
import { acceptedUrls, parsePingUrl } from '../url.ts';
import type { FirstLook } from '../verify/verification.ts';
import { type Door, xmlAnswer } from './door.ts';
import type { Refusal } from './intake.ts';
import { Fault, faultCodes, type MethodCall, readCall, writeFault, writeResult } from './xml-rpc.ts';

/** The faults of Pingback 1.0, section 3. */
const pingbackFaults = {
  generic: 0,
  noSource: 16,
  noLink: 17,
  noTarget: 32,
  badTarget: 33,
  registered: 48,
  denied: 49,
  upstream: 50,
} as const;

interface Dependencies extends Door {
  /** Sources of the approved pings of a target; null if the target is unknown. */
  pingsOf: (target: URL) => Promise<string[] | 'gone' | null>;
  /** Looks at a stored ping's source at once; null: faults about the source are not told (the default). */
  lookNow: ((id: string) => Promise<FirstLook>) | null;
}

/** Calls of one `system.multicall`; more are refused, since one request may not buy any amount of work. */
const multicallLimit = 10;

type Method = (params: unknown[], c: Ctx) => Promise<unknown>;

export function createPingbackDoor(deps: Dependencies): Hono<Env> {
  const methods: Map<string, Method> = new Map<string, Method>([
    ['pingback.ping', (params, c) => ping(deps, params, c)],
    ['pingback.extensions.getPingbacks', (params) => getPingbacks(deps, params)],
    ['system.listMethods', async () => [...methods.keys()]],
    ['system.getCapabilities', async () => capabilities],
    ['system.multicall', (params, c) => multicall(params, c)],
  ]);

  async function call({ method, params }: MethodCall, c: Ctx): Promise<unknown> {
    const run = methods.get(method);
    if (run === undefined) throw new Fault(faultCodes.unknownMethod, `there is no method ${method.slice(0, 100)} here`);
    return run(params, c);
  }

  async function multicall(params: unknown[], c: Ctx): Promise<unknown[]> {
    const [calls] = params;
    if (!Array.isArray(calls)) throw new Fault(faultCodes.invalidRequest, 'system.multicall takes one array of calls');
    if (calls.length > multicallLimit)
      throw new Fault(faultCodes.invalidRequest, `system.multicall takes at most ${multicallLimit} calls`);
    const answers: unknown[] = [];
    for (const [index, entry] of calls.entries()) {
      try {
        // The request itself has paid for the first.
        if (index > 0) await takeTurn(deps, c);
        answers.push([await call(readEntry(entry), c)]);
      } catch (error) {
        const fault = error instanceof Fault ? error : internal(error);
        answers.push({ faultCode: fault.code, faultString: fault.message });
      }
    }
    return answers;
  }

  function internal(error: unknown): Fault {
    deps.report(error);
    return new Fault(faultCodes.internal, 'internal error; nothing was registered');
  }

  const door = new Hono<Env>();
  door.all('/', async (c) => {
    if (c.req.method !== 'POST') return c.text('XML-RPC server accepts POST requests only.', 405, { Allow: 'POST' });
    try {
      const body = await readBody(c, deps.maxBodyBytes);
      await takeTurn(deps, c);
      return xmlAnswer(c, writeResult(await call(readCall(body, c.req.header('content-type')), c)));
    } catch (error) {
      // Refused unparsed: there is no call yet that a fault could answer.
      if (error instanceof CodedError) return c.text(error.message, error.status);
      const fault = error instanceof Fault ? error : internal(error);
      return xmlAnswer(c, writeFault(fault.code, fault.message));
    }
  });
  return door;
}

async function takeTurn(deps: Dependencies, c: Ctx): Promise<void> {
  const wait = await deps.limit(c);
  if (wait !== null)
    throw new Fault(pingbackFaults.denied, `too many requests from your address; try again in ${wait} s`);
}

async function ping(deps: Dependencies, params: unknown[], c: Ctx): Promise<string> {
  const [source, target] = params;
  if (params.length !== 2 || typeof source !== 'string' || typeof target !== 'string') {
    throw new Fault(faultCodes.invalidParameters, 'pingback.ping takes two strings, sourceURI and targetURI');
  }
  const [from, to] = [parsePingUrl(cleanText(source)), parsePingUrl(cleanText(target))];
  if (from === null) throw new Fault(pingbackFaults.generic, `sourceURI is not ${acceptedUrls}`);
  if (to === null) throw new Fault(pingbackFaults.badTarget, `targetURI is not ${acceptedUrls}`);
  const answer = await deps.intake.ping({
    kind: 'pingback',
    source: from,
    target: to,
    ip: deps.address(c),
    userAgent: c.req.header('user-agent'),
    ...(deps.lookNow !== null && { leaveMs: 5_000 }),
  });
  if (!answer.ok) throw refusal(answer.reason);
  if (answer.repeated) throw new Fault(pingbackFaults.registered, 'this pingback has been registered already');
  if (deps.lookNow !== null) tell(await deps.lookNow(answer.id));
  return `Pingback from ${from.href} to ${to.href} registered. Keep the web talking! :-)`;
}

function refusal(reason: Refusal): Fault {
  if (reason === 'same_url') return new Fault(pingbackFaults.generic, 'sourceURI and targetURI are the same page');
  if (reason === 'own_source') return new Fault(pingbackFaults.denied, 'a page of this service cannot be a source');
  if (reason === 'gone_target') return new Fault(pingbackFaults.noTarget, 'targetURI does not exist any more');
  if (reason === 'closed_target') return new Fault(pingbackFaults.badTarget, 'targetURI takes no pingbacks any more');
  return new Fault(pingbackFaults.badTarget, 'targetURI does not belong to a site of this service');
}

function tell(look: FirstLook): void {
  if (look === 'no_link') throw new Fault(pingbackFaults.noLink, 'sourceURI does not link to targetURI');
  if (look === 'no_source') throw new Fault(pingbackFaults.noSource, 'sourceURI does not exist');
  if (look === 'upstream') throw new Fault(pingbackFaults.upstream, 'sourceURI could not be fetched');
}

async function getPingbacks(deps: Dependencies, params: unknown[]): Promise<string[]> {
  const [url] = params;
  if (params.length !== 1 || typeof url !== 'string')
    throw new Fault(faultCodes.invalidParameters, 'pingback.extensions.getPingbacks takes one string, a URL');
  const target = parsePingUrl(cleanText(url));
  const found = target === null ? null : await deps.pingsOf(target);
  if (found === null) throw new Fault(pingbackFaults.badTarget, 'the URL does not belong to a site of this service');
  if (found === 'gone') throw new Fault(pingbackFaults.noTarget, 'the URL does not exist any more');
  return found;
}

function readEntry(entry: unknown): MethodCall {
  const method = entry instanceof Map ? entry.get('methodName') : undefined;
  if (!(entry instanceof Map) || typeof method !== 'string')
    throw new Fault(faultCodes.invalidRequest, 'a call is a struct of methodName and params');
  if (method.trim() === 'system.multicall')
    throw new Fault(faultCodes.invalidRequest, 'Recursive calls to system.multicall are forbidden');
  const params: unknown = entry.get('params');
  return { method: method.trim(), params: Array.isArray(params) ? params : [] };
}

const capabilities = {
  xmlrpc: { specUrl: 'http://www.xmlrpc.com/spec', specVersion: 1 },
  faults_interop: { specUrl: 'http://xmlrpc-epi.sourceforge.net/specs/rfc.fault_codes.php', specVersion: 20010516 },
  'system.multicall': { specUrl: 'http://www.xmlrpc.com/discuss/msgReader$1208', specVersion: 1 },
  pingback: { specUrl: 'http://www.hixie.ch/specs/pingback/pingback', specVersion: 1 },
};
