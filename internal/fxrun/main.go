package fxrun

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"log/slog"
	"slices"

	"go.uber.org/fx"
	"go.uber.org/fx/fxevent"

	"souk.example/pkg/config"
	"souk.example/pkg/redisclient"
)

// New makes the application of one service; several may run in one process.
func New(module fx.Option) *fx.App {
	return fx.New(
		module,
		fx.StartTimeout(startLimit), fx.StopTimeout(startLimit),
		fx.WithLogger(func(log *slog.Logger) fxevent.Logger { return quiet{log} }),
	)
}

// port is where a service listens by default, so that all run on one machine
// without being told; admin listeners stand 1000 above.
func port(service string) int {
	return 8080 + slices.Index([]string{"gateway", "user", "inventory", "order", "payment", "points"}, service)
}

// Main runs a service until it is told to stop; it is all that a main needs.
func Main[C any](service string, args, environ []string, module func(C) fx.Option) error {
	redisclient.Quiet()
	TuneGC()
	defaults := []string{ // what environ says comes later and wins
		fmt.Sprintf("SOUK_HTTP_ADDR=127.0.0.1:%d", port(service)),
		fmt.Sprintf("SOUK_ADMIN_ADDR=127.0.0.1:%d", port(service)+1000),
	}
	cfg, err := config.Load[C](service, args, append(defaults, environ...))
	if errors.Is(err, flag.ErrHelp) {
		return nil
	}
	if err != nil {
		return err
	}
	app := New(module(cfg))
	if err := app.Err(); err != nil {
		return err
	}
	if code := runToEnd(app); code != 0 {
		return errors.New(service + " stopped on an error: see its log")
	}
	return nil
}

func runToEnd(app *fx.App) int {
	ctx, cancel := context.WithTimeout(context.Background(), app.StartTimeout())
	defer cancel()
	if err := app.Start(ctx); err != nil {
		return 1
	}
	signal := <-app.Wait()
	ctx, cancel = context.WithTimeout(context.Background(), app.StopTimeout())
	defer cancel()
	if err := app.Stop(ctx); err != nil {
		return 1
	}
	return signal.ExitCode
}

// quiet logs only what fx has to complain about.
type quiet struct{ log *slog.Logger }

// LogEvent implements fxevent.Logger.
func (q quiet) LogEvent(e fxevent.Event) {
	switch e := e.(type) {
	case *fxevent.OnStartExecuted:
		q.complain("start", e.Err)
	case *fxevent.OnStopExecuted:
		q.complain("stop", e.Err)
	case *fxevent.Invoked:
		q.complain("build", e.Err)
	}
}

func (q quiet) complain(step string, err error) {
	if err != nil {
		q.log.Error("application", "step", step, "error", err)
	}
}
