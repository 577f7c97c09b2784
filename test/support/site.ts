// A site of its own for one test, whose post nobody fetches: nothing but its decisions changes what is thought of its comments.
import type { Json, TestService } from './service.ts';

export interface Site {
  id: string;
  post: string;
  /** Forwards a comment, and answers what the door said: id, status and probability. */
  comment(message: Message): Promise<{ id: string; status: string; probability: number }>;
  check(message: Message): Promise<Json>;
}

export interface Message {
  author: { name: string; url?: string };
  content: string;
}

const ann = (content: string): Message => ({ author: { name: 'Ann' }, content });
const shop = (name: string, url: string, content: string): Message => ({ author: { name, url }, content });

/** Comments that nobody would doubt, such as one may think this or that of, and such as nobody would want. */
export const wanted = [
  ann('The crumb came out open and moist, thank you for the timings.'),
  ann('My oven only reaches 220 degrees; would a longer bake do?'),
  ann('I let it rest overnight in the fridge and the crust was better for it.'),
];
export const doubtful = [
  ann('Nice post, thanks for sharing this with us.'),
  shop('Bob', 'http://bob.example/', 'Great blog! Visit my site for more like this.'),
  ann('I earn 5000 dollars a week from home, ask me how at http://cash.example/ now'),
];
export const unwanted = [
  shop(
    'cheap roof repair',
    'http://roofs.example/',
    'Great site! Visit us for cheap roof repair, best prices: http://roofs.example/',
  ),
  shop('viagra online', 'http://pills.example/', 'Cheap viagra and cialis online, best prices http://pills.example/'),
];

let made = 0;

export async function newSite(backtalk: TestService, settings: object = {}): Promise<Site> {
  made += 1;
  const base = backtalk.web.url(`site-${made}.example`);
  const { id } = await backtalk.send('/v1/sites', { bases: [base], settings });
  const post = `${base}bread`;
  await backtalk.send('/v1/targets', { url: post, title: 'Bread', text: 'Flour, water, salt and a hot oven.' });
  return {
    id,
    post,
    comment: (message) => backtalk.comment({ target: post, ...message }),
    check: (message) => backtalk.send('/v1/check', { target: post, ...message }),
  };
}

/** A comment that nothing is the matter with, unlike others by its number. */
export const loaf = (n: number) => ann(`The crumb is what I bake for, loaf ${n}.`);

/** Decides on one submission, and answers the decision. */
export async function decide(backtalk: TestService, id: string, action: string, token?: string): Promise<Json> {
  const path = `/v1/submissions/${id}/${action}`;
  return (await backtalk.send(path, {}, token === undefined ? {} : { token })).decision;
}
