// RATE customers per second, then ten times as many for DURATION seconds, then
// RATE again: while it lasts everybody is answered, and ten seconds after it all
// is as it should be, the time that orders take included.
import { check } from 'k6';
import { anySKU, arrivals, bounded, comeAgain, customer, journey, limits, mayDrop, order, trendStats } from './souk.js';

export { observe } from './souk.js';

const rate = bounded('RATE', 20, 1, 50);
const seconds = bounded('DURATION', 10, 5, 60);

const before = 10;
const settling = 10;
const after = 20;
const at = (second) => ({ startTime: `${second}s` });
const end = before + seconds;

export const options = {
  scenarios: {
    before: arrivals(rate, before),
    spike: arrivals(10 * rate, seconds, { ...at(before), exec: 'rush' }),
    settling: arrivals(rate, settling, { ...at(end), exec: 'rush' }),
    after: arrivals(rate, after, at(end + settling)),
    observers: arrivals(1, after, { ...at(end + settling), exec: 'observe' }),
  },
  thresholds: {
    checks: limits.checks,
    http_req_failed: limits.http_req_failed,
    'http_req_duration{scenario:before,name:POST order}': ['p(95)<1000'],
    'http_req_duration{scenario:spike,name:POST order}': ['p(95)<5000'],
    'http_req_duration{scenario:after,name:POST order}': ['p(95)<1000', 'p(99)<2000'],
    order_completion: ['p(95)<5000'],
    dropped_iterations: mayDrop(10 * rate * seconds),
  },
  summaryTrendStats: trendStats,
};

export default journey;

// In the rush a customer may be asked to come again, and does not.
export function rush() {
  const res = order(customer(), anySKU(), 1, crypto.randomUUID());
  check(res, { 'customer is answered': (r) => r.status === 201 || comeAgain(r) });
}
