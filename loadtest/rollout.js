// RATE customers per second ask every service something, for DURATION seconds,
// while services are restarted: no request may fail. For deploy/k8s/accept.sh.
import { check } from 'k6';
import { anySKU, arrivals, bounded, browse, buy, customer, get, trendStats } from './souk.js';

const rate = bounded('RATE', 20, 1, 100);
const seconds = bounded('DURATION', 120, 5, 600);

export const options = {
  scenarios: { rollout: arrivals(rate, seconds) },
  thresholds: { checks: ['rate==1'], http_req_failed: ['rate==0'] },
  summaryTrendStats: trendStats,
};

const mine = { '/v1/me': 'user', '/v1/wallet': 'payment', '/v1/points': 'points', '/v1/orders?limit=1': 'order' };

export default function () {
  const user = customer();
  const sku = anySKU();
  browse(user, sku);
  buy(user, sku, 1);
  for (const [path, service] of Object.entries(mine)) {
    check(get(user, path), { [`${service} answers`]: (r) => r.status === 200 });
  }
}
