import { afterAll, beforeAll, expect, test } from 'vitest';
import { getSubmission } from '../../src/db/submissions.ts';
import { ofSource, pingCall, trackBack, xmlRpc } from '../support/doors.ts';
import { type Json, startTestService, type TestService, until } from '../support/service.ts';

let backtalk: TestService;
beforeAll(async () => {
  backtalk = await startTestService();
});
afterAll(() => backtalk.stop());

const story = 'We baked this loaf in a tent on the shore, over driftwood, and the crust was black.';

/** Pings from a page with this body, and answers the submission once it is verified. */
async function pinged(path: string, body: string): Promise<Json> {
  backtalk.web.page('alice.example', path, `<title>In the tent</title>${body}`);
  const source = backtalk.web.url('alice.example', path);
  await xmlRpc(backtalk, pingCall(source, backtalk.post));
  return verified(source);
}

const verified = async (source: string): Promise<Json> => {
  const { id } = await until(async () => {
    const [item] = await ofSource(backtalk, source);
    return item !== undefined && item.status !== 'received' && item;
  });
  return backtalk.get(`/v1/submissions/${id}`);
};
const sourceText = async (id: string) => (await getSubmission(backtalk.database.db, id))?.sourceText;
const link = () => `<p>See <a href="${backtalk.post}">the recipe</a>.</p>`;

test('the text of a linking page is kept for judging, without its comments, and shown to nobody', async () => {
  const item = await pinged('/tent', `<article>${link()}<p>${story}</p></article><ol class="comments"><li>Spam`);
  expect(await sourceText(item.id)).toBe(`See the recipe.\n${story}`);
  expect(JSON.stringify(item)).not.toContain('driftwood');
});

test('at most 20,000 characters of it are kept, and what it says later takes its place', async () => {
  const item = await pinged('/long', `${link()}<p>${'word '.repeat(10_000)}</p>`);
  expect((await sourceText(item.id))?.length).toBeLessThanOrEqual(20_000);
  await pinged('/long', `${link()}<p>${story}</p>`);
  await until(async () => (await sourceText(item.id))?.endsWith(story));
});

test('the page of a TrackBack that links back is kept as well; its own words stay what they are', async () => {
  backtalk.web.page('alice.example', '/tb', `${link()}<p>${story}</p>`);
  const source = backtalk.web.url('alice.example', '/tb');
  await trackBack(backtalk, { url: source, title: 'My title', excerpt: 'My excerpt' });
  const item = await verified(source);
  expect(item).toMatchObject({ title: 'My title', content: 'My excerpt' });
  expect(await sourceText(item.id)).toContain(story);
});

test('it is dropped IP_KEEP_HOURS after a decision, never while the submission is held', async () => {
  const [held, decided] = [await pinged('/held', link() + story), await pinged('/decided', link() + story)];
  backtalk.advance(100 * 3_600_000);
  await backtalk.send(`/v1/submissions/${decided.id}/approve`);
  const third = await pinged('/third', link() + story);
  await backtalk.send(`/v1/submissions/${third.id}/spam`);
  backtalk.advance(71 * 3_600_000);
  await backtalk.send(`/v1/submissions/${third.id}/reject`);
  backtalk.advance(2 * 3_600_000);
  await until(async () => (await sourceText(decided.id)) === null);
  expect(await sourceText(held.id)).toContain(story);
  expect(await sourceText(third.id)).toContain(story);
});

test('a link that nobody sees and a list of links are told to the moderator, until they are no more', async () => {
  const links = Array.from({ length: 120 }, (_, at) => `<li><a href="https://other.example/${at}">Site ${at}</a>`);
  const item = await pinged('/list', `<div hidden>${link()}</div><ul>${links.join('')}</ul>`);
  expect(item.signals).toEqual(['hidden_link', 'link_list']);
  const detail = (code: string) => item.verdict.reasons.find((reason: Json) => reason.code === code)?.detail;
  expect(detail('hidden_link')).toContain('readers of the source do not see its link here');
  expect(detail('link_list')).toContain('a list of more than 100 links');
  await pinged('/list', link() + story);
  await until(async () => (await backtalk.get(`/v1/submissions/${item.id}`)).signals.length === 0);
});
