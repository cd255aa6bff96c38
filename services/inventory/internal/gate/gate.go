// Package gate publishes the stock gates (internal/stockgate): one replica of the
// service, the elected one, tells order every second how many units SQL has left
// of what is nearly sold out.
package gate

import (
	"cmp"
	"context"
	"log/slog"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"souk.example/internal/stockgate"
	"souk.example/pkg/redisclient"
	"souk.example/pkg/redlock"
	"souk.example/services/inventory/internal/inventory"
)

// Stock is what SQL says.
type Stock interface {
	// Scarce lists the SKUs with at most below units available, fewest first but
	// those last that are sold to the last one, no more than limit.
	Scarce(ctx context.Context, below int64, limit int) ([]inventory.SKU, error)
	// StockOf returns where the units of these SKUs are.
	StockOf(ctx context.Context, skus []inventory.SKU) ([]inventory.Stock, error)
	// Decided returns those of the orders that were decided about.
	Decided(ctx context.Context, orders []inventory.OrderID) (map[inventory.OrderID]bool, error)
}

// Config tunes a Publisher; zero values take the defaults named in the tags,
// except Below.
type Config struct {
	Below  int64         `env:"SOUK_GATE_BELOW" envDefault:"1000" usage:"units available at which a product gets a stock gate; 0 for no gates"`
	Look   time.Duration `env:"SOUK_GATE_LOOK" envDefault:"10s" usage:"time between looks at all the stock for products that need a gate"`
	Max    int           `env:"SOUK_GATE_MAX" envDefault:"1000" usage:"most products that have a gate at a time"`
	Every  time.Duration `env:"-"` // between publications; default 1 s
	Logger *slog.Logger  `env:"-"` // nil discards
}

func (c Config) withDefaults() Config {
	c.Look = cmp.Or(c.Look, 10*time.Second)
	c.Max = cmp.Or(c.Max, 1000)
	c.Every = cmp.Or(c.Every, time.Second)
	c.Logger = cmp.Or(c.Logger, slog.New(slog.DiscardHandler))
	return c
}

// Publisher publishes. Run it once.
type Publisher struct {
	stock   Stock
	gates   *stockgate.Gates
	elector *redlock.Elector
	cfg     Config
	open    prometheus.Gauge
	outage  redisclient.Outage
}

// New makes a Publisher that publishes while elected and registers its figures
// with reg.
func New(stock Stock, gates *stockgate.Gates, elector *redlock.Elector, cfg Config, reg prometheus.Registerer) (*Publisher, error) {
	cfg = cfg.withDefaults()
	p := &Publisher{
		stock: stock, gates: gates, elector: elector, cfg: cfg,
		open: prometheus.NewGauge(prometheus.GaugeOpts{
			Name: "souk_inventory_gates", Help: "Products whose stock gate this replica publishes.",
		}),
		outage: redisclient.Outage{Log: cfg.Logger, Begun: "stock gates are not published: every order is taken", Ended: "stock gates are published again"},
	}
	return p, reg.Register(p.open)
}

// Run publishes whenever it is elected, until ctx ends, and returns nil. Without
// Redis nobody publishes and nobody is refused.
func (p *Publisher) Run(ctx context.Context) error {
	if p.cfg.Below == 0 {
		<-ctx.Done()
		return nil
	}
	return p.elector.Run(ctx, p.lead)
}

func (p *Publisher) lead(ctx context.Context, term redlock.Term) error {
	defer p.open.Set(0)
	tick := time.NewTicker(p.cfg.Every)
	defer tick.Stop()
	shelf := shelf{stock: p.stock, cfg: p.cfg}
	for version := (stockgate.Version{Fence: term.Fence}); ctx.Err() == nil; version.Count++ {
		published, err := p.publish(ctx, &shelf, version)
		if ctx.Err() == nil {
			p.outage.Note(ctx, err)
			p.open.Set(float64(published))
		}
		select {
		case <-ctx.Done():
		case <-tick.C:
		}
	}
	return nil
}

// publish reads which holds are decided before it reads the stock: of an order
// that is decided in between, the unit is missing in the stock and claimed once
// more until the next publication. The other way round it would be sold twice at
// the gate.
func (p *Publisher) publish(ctx context.Context, shelf *shelf, version stockgate.Version) (gates int, err error) {
	sheet := stockgate.Sheet{Version: version, Begun: time.Now()}
	if sheet.Decided, err = p.decided(ctx); err != nil {
		return 0, err
	}
	if sheet.Gates, err = shelf.read(ctx); err != nil {
		return 0, err
	}
	if err := p.gates.Publish(ctx, sheet); err != nil {
		return 0, err
	}
	return len(sheet.Gates), nil
}

// decided are the holds whose orders SQL knows a decision about.
func (p *Publisher) decided(ctx context.Context) ([]stockgate.Hold, error) {
	holds, err := p.gates.Holds(ctx)
	if err != nil || len(holds) == 0 {
		return nil, err
	}
	orders := make([]inventory.OrderID, len(holds))
	for i, h := range holds {
		orders[i] = inventory.OrderID(h.Order)
	}
	known, err := p.stock.Decided(ctx, orders)
	if err != nil {
		return nil, err
	}
	var decided []stockgate.Hold
	for _, h := range holds {
		if known[inventory.OrderID(h.Order)] {
			decided = append(decided, h)
		}
	}
	return decided, nil
}
