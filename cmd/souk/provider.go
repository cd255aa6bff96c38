package main

import (
	"errors"
	"fmt"

	"souk.example/cmd/souk/internal/devkeys"
	"souk.example/cmd/souk/internal/topology"
	"souk.example/internal/audit/statement"
)

// errNoProvider says that no cards are offered.
var errNoProvider = errors.New("there is no payment provider")

// provider reads the payment provider's record.
func (a *app) provider() (*statement.Reader, error) {
	if d, ok := a.platform.(deployedPlatform); ok {
		if d.at.PSPURL == "" {
			return nil, errNoProvider
		}
		return statement.NewReader(d.at.PSPURL, d.at.PSPAPIKey.Reveal()), nil
	}
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
