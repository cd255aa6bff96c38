package main

import (
	"fmt"

	"souk.example/cmd/souk/internal/devkeys"
	"souk.example/cmd/souk/internal/topology"
	"souk.example/internal/audit/statement"
)

// provider reads the record of the payment provider that runs beside souk.
func (a *app) provider() (*statement.Reader, error) {
	keys, err := devkeys.Load(a.home.Keys())
	if err != nil {
		return nil, fmt.Errorf("the payment provider's key: %w", err)
	}
	place, err := a.topology.Service(topology.PSP, 1)
	if err != nil {
		return nil, err
	}
	return statement.NewReader(place.URL(), keys.PSPAPIKey.Reveal()), nil
}
