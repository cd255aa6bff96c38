// RATE visitors per second leaf through the catalogue for DURATION seconds: two
// pages of the list, then a product of each, and that once more, which the
// browser has then.
import { check } from 'k6';
import { Rate } from 'k6/metrics';
import { arrivals, bounded, limits, mayDrop, trendStats, visit } from './souk.js';

const rate = bounded('RATE', 50, 1, 500);
const seconds = bounded('DURATION', 30, 5, 120);

export const options = {
  scenarios: { browse: arrivals(rate, seconds) },
  thresholds: {
    checks: limits.checks,
    http_req_failed: limits.http_req_failed,
    'http_req_duration{name:GET products}': ['p(95)<500', 'p(99)<1000'],
    'http_req_duration{name:GET product}': ['p(95)<500', 'p(99)<1000'],
    not_modified: ['rate>0'],
    dropped_iterations: mayDrop(rate * seconds),
  },
  summaryTrendStats: trendStats,
};

const notModified = new Rate('not_modified'); // of the pages asked for once more

export default function () {
  let path = '/v1/products?limit=20';
  for (let page = 0; page < 2; page++) {
    const list = visit(path, '', 'GET products');
    if (!check(list, { 'page has products': (r) => r.status === 200 && r.json('items').length === 20 })) {
      return;
    }
    const items = list.json('items');
    look(`/v1/products/${items[Math.floor(Math.random() * items.length)].sku}`);
    path = `/v1/products?limit=20&cursor=${encodeURIComponent(list.json('next_cursor'))}`;
  }
}

function look(path) {
  const first = visit(path, '', 'GET product');
  const etag = first.headers.Etag;
  check(first, { 'product is on sale': (r) => r.status === 200 && etag !== undefined });
  const again = visit(path, etag, 'GET product');
  notModified.add(again.status === 304);
  check(again, { 'unchanged is not sent again': (r) => (r.headers.Etag === etag ? r.status === 304 && !r.body : r.status === 200) });
}
