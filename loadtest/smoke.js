// One customer goes all the way, a few times over: finds a product, buys it,
// watches the order complete, and looks at wallet and points.
import { check } from 'k6';
import { anySKU, atRest, browse, buy, customer, get } from './souk.js';

export const options = {
  scenarios: { smoke: { executor: 'shared-iterations', vus: 2, iterations: 10, maxDuration: '60s' } },
  thresholds: {
    checks: ['rate==1'],
    http_req_failed: ['rate==0'],
    http_req_duration: ['p(95)<1000'],
  },
};

export default function () {
  const user = customer();
  const sku = anySKU();
  const list = get(user, '/v1/products?limit=20', 'GET products');
  check(list, { 'catalogue has products': (r) => r.status === 200 && r.json('items').length > 0 });
  browse(user, sku);
  const id = buy(user, sku, 2);
  if (id !== undefined) {
    check(atRest(user, id), {
      'order completes': (order) => order.status === 'COMPLETED',
      'timeline is complete': (order) => order.timeline.map((e) => e.status).join(' ') === 'PENDING RESERVED PAID COMPLETED',
    });
  }
  check(get(user, '/v1/wallet'), { 'wallet answers': (r) => r.status === 200 && r.json('balance.currency') === 'CNY' });
  check(get(user, '/v1/points'), { 'points answer': (r) => r.status === 200 });
}
