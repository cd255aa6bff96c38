package native

import (
	"context"
	"sync"
)

// EngineStatus is one engine as it is now.
type EngineStatus struct {
	Name    Name   `json:"name"`
	Address string `json:"address"`
	PID     int    `json:"pid,omitempty"` // 0 when it does not run
	Ready   bool   `json:"ready"`         // it runs and answers
}

// Status looks at every engine, running or not. It takes at most a few seconds.
func (e *Engines) Status(ctx context.Context) []EngineStatus {
	all := e.all()
	out := make([]EngineStatus, len(all))
	var wg sync.WaitGroup
	for i, s := range all {
		wg.Go(func() { out[i] = s.status(ctx) })
	}
	wg.Wait()
	return out
}

// status pings only what is known to be the engine: another process may listen
// on its port.
func (s *supervised) status(ctx context.Context) EngineStatus {
	p := s.process()
	return EngineStatus{
		Name: s.name(), Address: s.address(), PID: p.PID,
		Ready: !p.none() && p.Port == s.ports()[0] && s.answers(ctx) == nil,
	}
}
