package main

import (
	"context"
	"net/http"

	"github.com/spf13/cobra"
)

// probeCommand is the health check of containers that have no other program.
func probeCommand() *cobra.Command {
	return &cobra.Command{
		Use:    "probe URL",
		Short:  "Exit 0 when a URL answers 200",
		Args:   cobra.ExactArgs(1),
		Hidden: true,
		RunE:   func(cmd *cobra.Command, args []string) error { return probeURL(cmd.Context(), args[0]) },
	}
}

// probeURL is nil when the URL answers 200 in time.
func probeURL(ctx context.Context, url string) error {
	ctx, cancel := context.WithTimeout(ctx, probeTimeout)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return err
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return answerNo{err}
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return no("%s answers %s", url, resp.Status)
	}
	return nil
}
