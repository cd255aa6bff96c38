package registry

import (
	"context"
	"log/slog"
)

// outage tells the log of the first failure of many, and of the success that
// ends them.
type outage struct {
	log          *slog.Logger
	begun, ended string
	failing      bool
}

// note takes the outcome of a try.
func (o *outage) note(ctx context.Context, err error) {
	switch {
	case err != nil && !o.failing:
		o.log.WarnContext(ctx, o.begun, "error", err)
	case err == nil && o.failing:
		o.log.InfoContext(ctx, o.ended)
	}
	o.failing = err != nil
}
