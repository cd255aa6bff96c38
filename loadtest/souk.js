// What the scenarios share: who buys, and how to buy through the public API.
import { check } from 'k6';
import { SharedArray } from 'k6/data';
import http from 'k6/http';

const base = __ENV.BASE_URL;
if (!/^http:\/\/127\.0\.0\.1:\d+$/.test(base)) {
  throw new Error(`BASE_URL is ${base}: these scenarios run against this machine only`);
}

// Made by `souk token --count N --json`; one copy for all virtual users.
export const users = new SharedArray('users', () => JSON.parse(open(__ENV.USERS)));

export const pick = (list) => list[Math.floor(Math.random() * list.length)];

// One of the thousand demo products.
export const anySKU = () => `SKU-${String(1 + Math.floor(Math.random() * 1000)).padStart(4, '0')}`;

// `name` groups the metrics of requests whose paths differ.
export function get(user, path, name) {
  return http.get(base + path, { headers: authorization(user), tags: { name: name || path } });
}

export function browse(user, sku) {
  const res = get(user, `/v1/products/${sku}`, 'GET product');
  check(res, { 'product is on sale': (r) => r.status === 200 && r.json('sku') === sku });
}

// Returns the new order's id, or undefined.
export function buy(user, sku, quantity) {
  const body = { items: [{ sku, quantity }], payment: { method: 'wallet' } };
  const res = http.post(`${base}/v1/orders`, JSON.stringify(body), {
    headers: { ...authorization(user), 'Content-Type': 'application/json', 'Idempotency-Key': crypto.randomUUID() },
    tags: { name: 'POST order' },
  });
  const accepted = check(res, { 'order is accepted': (r) => r.status === 201 && r.json('status') === 'PENDING' });
  return accepted ? res.json('id') : undefined;
}

function authorization(user) {
  return { Authorization: `Bearer ${user.access_token}` };
}
