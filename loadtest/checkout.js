// Customers come at a constant rate, whether or not earlier ones are done: each
// looks at a product and buys one. RATE customers per second for DURATION seconds.
import { anySKU, browse, buy, pick, users } from './souk.js';

const rate = bounded('RATE', 50, 1, 500);
const seconds = bounded('DURATION', 30, 5, 120);

export const options = {
  scenarios: {
    checkout: {
      executor: 'constant-arrival-rate',
      rate,
      timeUnit: '1s',
      duration: `${seconds}s`,
      preAllocatedVUs: Math.max(20, rate),
      maxVUs: 2 * Math.max(20, rate),
    },
  },
  thresholds: {
    checks: ['rate>0.999'],
    http_req_failed: ['rate<0.001'],
    'http_req_duration{name:POST order}': ['p(95)<1000', 'p(99)<2000'],
    'http_req_duration{name:GET product}': ['p(95)<500'],
    dropped_iterations: [`count<${Math.ceil(rate * seconds * 0.01)}`], // arrivals k6 had nobody for
  },
  summaryTrendStats: ['avg', 'p(50)', 'p(95)', 'p(99)', 'max'],
};

export default function () {
  const user = pick(users);
  const sku = anySKU();
  browse(user, sku);
  buy(user, sku, 1);
}

function bounded(name, otherwise, least, most) {
  const value = Number(__ENV[name] || otherwise);
  if (!(value >= least && value <= most)) {
    throw new Error(`${name} is ${__ENV[name]}: want ${least} to ${most}`);
  }
  return value;
}
