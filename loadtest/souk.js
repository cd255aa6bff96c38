// What the scenarios share: who comes and when, and how to buy and to watch
// through the public API.
import { check, sleep } from 'k6';
import { SharedArray } from 'k6/data';
import exec from 'k6/execution';
import http from 'k6/http';
import { Trend } from 'k6/metrics';

const base = __ENV.BASE_URL;
if (!/^http:\/\/127\.0\.0\.1:\d+$/.test(base)) {
  throw new Error(`BASE_URL is ${base}: these scenarios run against this machine only`);
}

// Made by `souk token --json`; one copy for all virtual users.
export const users = new SharedArray('users', () => JSON.parse(open(__ENV.USERS)));
const admins = new SharedArray('admins', () => JSON.parse(open(__ENV.ADMIN)));

// Each arrival is the next customer, so that no customer's orders pile up; a
// virtual user is only who carries the arrival out.
export const customer = () => users[exec.scenario.iterationInTest % users.length];

// One of the thousand demo products.
export const anySKU = () => `SKU-${String(1 + Math.floor(Math.random() * 1000)).padStart(4, '0')}`;

export const trendStats = ['avg', 'p(50)', 'p(95)', 'p(99)', 'max'];

// What holds wherever souk is not asked for more than it can do.
export const limits = {
  checks: ['rate>0.999'],
  http_req_failed: ['rate<0.001'],
  'http_req_duration{name:POST order}': ['p(95)<1000', 'p(99)<2000'],
  'http_req_duration{name:GET product}': ['p(95)<500'],
};

// A number from the environment, of which only a range is sensible.
export function bounded(name, otherwise, least, most) {
  const value = Number(__ENV[name] || otherwise);
  if (!(Number.isInteger(value) && value >= least && value <= most)) {
    throw new Error(`${name} is ${__ENV[name]}: want a whole number, ${least} to ${most}`);
  }
  return value;
}

// Customers come at a constant rate, whether or not earlier ones are done.
export function arrivals(rate, seconds, more) {
  const vus = Math.max(20, rate);
  return { executor: 'constant-arrival-rate', rate, timeUnit: '1s', duration: `${seconds}s`, preAllocatedVUs: vus, maxVUs: 2 * vus, ...more };
}

// Arrivals k6 had nobody for: one in a hundred at most.
export const mayDrop = (count) => [`count<${Math.ceil(count * 0.01)}`];

// `name` groups the metrics of requests whose paths differ.
export function get(user, path, name) {
  return http.get(base + path, { headers: authorization(user), tags: { name: name || path } });
}

export function browse(user, sku) {
  const res = get(user, `/v1/products/${sku}`, 'GET product');
  check(res, { 'product is on sale': (r) => r.status === 200 && r.json('sku') === sku });
}

// Asks for a page as a browser does that may have it already. Visitors need no
// token.
export function visit(path, etag, name) {
  return http.get(base + path, { headers: etag ? { 'If-None-Match': etag } : {}, tags: { name } });
}

// Sends an order. Being asked to come again, or told that nothing is left, is
// no failure of the request: it is for the caller to judge.
export function order(user, sku, quantity, key) {
  const body = { items: [{ sku, quantity }], payment: { method: 'wallet' } };
  return post(user, '/v1/orders', body, key, 'POST order', http.expectedStatuses(201, 409, 429, 503));
}

// Whether the answer says when to come again.
export const comeAgain = (res) => [429, 503].includes(res.status) && /^[1-9]\d*$/.test(res.headers['Retry-After']);

// Returns the new order's id, or undefined.
export function buy(user, sku, quantity) {
  const res = order(user, sku, quantity, crypto.randomUUID());
  const accepted = check(res, { 'order is accepted': (r) => r.status === 201 && r.json('status') === 'PENDING' });
  return accepted ? res.json('id') : undefined;
}

// What most customers do: look at a product and buy one.
export function journey() {
  const user = customer();
  const sku = anySKU();
  browse(user, sku);
  buy(user, sku, 1);
}

// From created_at to completed_at; where an order did not complete, the time
// that was waited for it.
const completion = new Trend('order_completion', true);

// Few customers who wait for their order tell how long all orders take; if all
// did, their questions would be most of the load.
export function observe() {
  const user = customer();
  const id = buy(user, anySKU(), 1);
  if (id === undefined) {
    return;
  }
  const seen = atRest(user, id);
  check(seen, { 'order completes': (o) => o.status === 'COMPLETED' });
  completion.add((seen.completed_at ? Date.parse(seen.completed_at) : Date.now()) - Date.parse(seen.created_at));
}

export const isOpen = (o) => ['PENDING', 'RESERVED', 'PAID'].includes(o.status);

// Polls for up to ten seconds.
export function atRest(user, id) {
  let seen;
  for (let i = 0; i < 100; i++) {
    seen = get(user, `/v1/orders/${id}`, 'GET order').json();
    if (!isOpen(seen)) {
      break;
    }
    sleep(0.1);
  }
  return seen;
}

// The latest order of each of these users; undefined of who has none.
export function latestOrders(of) {
  const requests = of.map((user) => ['GET', `${base}/v1/orders?limit=1`, null, { headers: authorization(user), tags: { name: 'GET orders' } }]);
  return http.batch(requests).map((res) => res.json('items')[0]);
}

// Where the units of a product are.
export const stock = (sku) => get(admins[0], `/v1/admin/stock/${sku}`, 'GET stock').json();

// Moves units in, or out where delta is negative.
export function adjust(sku, delta, reason) {
  const res = post(admins[0], `/v1/admin/stock/${sku}/adjustments`, { delta, reason }, crypto.randomUUID(), 'POST adjustment', http.expectedStatuses(201));
  if (res.status !== 201) {
    throw new Error(`adjust ${sku} by ${delta}: ${res.status} ${res.body}`);
  }
}

function post(user, path, body, key, name, responseCallback) {
  return http.post(base + path, JSON.stringify(body), {
    headers: { ...authorization(user), 'Content-Type': 'application/json', 'Idempotency-Key': key },
    tags: { name },
    responseCallback,
  });
}

function authorization(user) {
  return { Authorization: `Bearer ${user.access_token}` };
}
