// Two thousand customers want one each of a product of which there are a hundred:
// a hundred orders complete, nobody else gets one, everybody is told.
import { check, sleep } from 'k6';
import exec from 'k6/execution';
import { Counter } from 'k6/metrics';
import { adjust, arrivals, bounded, comeAgain, isOpen, latestOrders, order, stock, trendStats, users } from './souk.js';

const sku = 'FLASH-01';
const units = 100;
const customers = 2000;
const patience = 60; // seconds that a customer keeps coming again
const rate = bounded('RATE', 400, 50, 1000);

export const options = {
  scenarios: {
    // A second more than needed: it is the number of customers that ends the sale.
    sale: arrivals(rate, Math.ceil(customers / rate) + 1, { maxVUs: customers, gracefulStop: `${2 * patience}s` }),
  },
  thresholds: {
    checks: ['rate==1'],
    http_req_failed: ['rate==0'],
    'http_req_duration{name:POST order}': ['p(95)<5000'],
    customers: [`count==${customers}`],
    orders_completed: [`count==${units}`],
  },
  setupTimeout: '90s',
  teardownTimeout: '150s',
  summaryTrendStats: trendStats,
};

const came = new Counter('customers');
const accepted = new Counter('answers_accepted');
const refused = new Counter('answers_out_of_stock');
const again = new Counter('answers_come_again');
const completed = new Counter('orders_completed');
const rejected = new Counter('orders_rejected');

// Puts exactly the hundred units on sale, whatever earlier sales have left.
export function setup() {
  const found = settled();
  if (found.available !== units) {
    adjust(sku, units - found.available, 'flash sale');
  }
  sleep(12); // inventory looks every 10 s for what is nearly sold out, and gives it a gate
  return { sold: found.sold, since: new Date().toISOString() };
}

export default function () {
  const n = exec.scenario.iterationInTest;
  if (n >= customers) {
    return;
  }
  came.add(1);
  const res = insist(users[n]);
  accepted.add(res.status === 201 ? 1 : 0);
  refused.add(res.status === 409 ? 1 : 0);
  check(res, { 'customer is answered': (r) => r.status === 201 || (r.status === 409 && r.json('code') === 'out_of_stock') });
}

// Orders one. Who is asked to come again does, with the same key, so that it
// stays one order.
function insist(user) {
  const key = crypto.randomUUID();
  const giveUp = Date.now() + 1000 * patience;
  for (;;) {
    const res = order(user, sku, 1, key);
    if (!comeAgain(res) || Date.now() > giveUp) {
      return res;
    }
    again.add(1);
    sleep(Number(res.headers['Retry-After']));
  }
}

export function teardown(sale) {
  const outcomes = ordersSince(sale.since);
  const count = (status) => outcomes.filter((o) => o.status === status).length;
  completed.add(count('COMPLETED'));
  rejected.add(count('REJECTED'));
  check(outcomes, {
    'as many complete as there are units': () => count('COMPLETED') === units,
    'all others are rejected for want of stock': (all) => all.every((o) => o.status === 'COMPLETED' || (o.status === 'REJECTED' && o.reason === 'out_of_stock')),
  });
  check(settled(), { 'all units are sold and none twice': (s) => s.sold === sale.sold + units && s.available === 0 });
}

// The sale's orders, once none of them is open; after a minute as they are.
function ordersSince(since) {
  const done = [];
  let waiting = users.slice(0, customers);
  for (const giveUp = Date.now() + 60_000; ; sleep(0.5)) {
    const found = latestOrders(waiting).map((o, i) => ({ user: waiting[i], order: o })).filter((f) => f.order && f.order.created_at >= since);
    const late = Date.now() > giveUp;
    done.push(...found.filter((f) => late || !isOpen(f.order)).map((f) => f.order));
    waiting = late ? [] : found.filter((f) => isOpen(f.order)).map((f) => f.user);
    if (waiting.length === 0) {
      return done;
    }
  }
}

// The stock once nothing is reserved any more; after half a minute as it is.
function settled() {
  let found = stock(sku);
  for (let i = 0; i < 60 && found.reserved !== 0; i++) {
    sleep(0.5);
    found = stock(sku);
  }
  return found;
}
