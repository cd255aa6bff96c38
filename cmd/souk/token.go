package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"time"

	"github.com/spf13/cobra"

	"souk.example/cmd/souk/internal/devkeys"
	"souk.example/pkg/auth"
	"souk.example/pkg/config"
)

const (
	demoEmail  = "demo@souk.example"
	adminEmail = "admin@souk.example"
	maxTokens  = 100_000 // all are held in memory until they are printed
)

func tokenCommand(a *app) *cobra.Command {
	var req tokenRequest
	var admin bool
	cmd := &cobra.Command{
		Use:   "token",
		Short: "Mint access tokens without logging in (development only)",
		Long: `Mint access tokens with the development key, without logging in.
With --count it makes load-test users, each with a funded wallet, as far as they
do not exist yet. For a development cluster SOUK_JWT_PRIVATE_KEY is its key.
It refuses in production mode.`,
		Example: "  souk token\n  souk token --admin --json\n  souk token --count 10000 --json > tokens.json",
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if cmd.Flags().Changed("count") && (req.count < 1 || req.count > maxTokens) {
				return fmt.Errorf("--count is %d: want 1 to %d", req.count, maxTokens)
			}
			if admin {
				req.email = adminEmail
			}
			return a.token(cmd.Context(), req)
		},
	}
	cmd.Flags().StringVar(&req.email, "user", demoEmail, "e-mail of an existing user")
	cmd.Flags().BoolVar(&admin, "admin", false, "the demo administrator")
	cmd.Flags().IntVar(&req.count, "count", 0, "mint for this many load-test users instead")
	cmd.Flags().DurationVar(&req.ttl, "ttl", 24*time.Hour, "how long the tokens are valid")
	cmd.MarkFlagsMutuallyExclusive("user", "admin", "count")
	a.jsonFlag(cmd)
	return cmd
}

// tokenRequest asks for one existing user's token or, when count is above 0,
// for those of that many load-test users.
type tokenRequest struct {
	email string
	count int
	ttl   time.Duration
}

type mintedToken struct {
	UserID      string `json:"user_id"`
	Email       string `json:"email"`
	AccessToken string `json:"access_token"`
}

func (a *app) token(ctx context.Context, req tokenRequest) error {
	if err := checkSpan("ttl", req.ttl); err != nil {
		return err
	}
	tokens, err := a.mint(ctx, req)
	if err != nil {
		return err
	}
	if a.json {
		return a.printJSON(tokens)
	}
	for _, t := range tokens {
		a.printf("%s\n", t.AccessToken)
	}
	return nil
}

// inDevelopment refuses, by its rule, what production must not have, and a name
// that is neither's.
func inDevelopment(rule string) error {
	switch env := os.Getenv("SOUK_ENV"); env {
	case "", "development":
		return nil
	case "production":
		return errors.New(rule + ", and SOUK_ENV is production")
	default:
		return fmt.Errorf("SOUK_ENV: %q is not development or production", env)
	}
}

func (a *app) mint(ctx context.Context, req tokenRequest) ([]mintedToken, error) {
	if err := inDevelopment("tokens are minted in development only"); err != nil {
		return nil, err
	}
	key, err := a.signingKey()
	if err != nil {
		return nil, err
	}
	minter, err := auth.NewMinter(auth.MinterConfig{PrivateKey: key, TTL: req.lifetime()})
	if err != nil {
		return nil, err
	}
	users, err := a.accounts(ctx, req)
	if err != nil {
		return nil, err
	}
	tokens := make([]mintedToken, len(users))
	for i, u := range users {
		token, _, err := minter.Mint(auth.Claims{UserID: u.id, Role: u.role})
		if err != nil {
			return nil, err
		}
		tokens[i] = mintedToken{UserID: fmt.Sprint(u.id), Email: u.email, AccessToken: token}
	}
	return tokens, nil
}

// signingKey is the development key: this machine's, or what the environment says
// is a development cluster's.
func (a *app) signingKey() (config.Secret, error) {
	if d, ok := a.platform.(deployedPlatform); ok {
		if d.at.Signing == "" {
			return "", errors.New("SOUK_JWT_PRIVATE_KEY is not set")
		}
		return d.at.Signing, nil
	}
	keys, err := devkeys.Load(a.home.Keys())
	if err != nil {
		return "", fmt.Errorf("no development key (has souk been up?): %w", err)
	}
	return keys.Private, nil
}

func (r tokenRequest) lifetime() time.Duration {
	if r.ttl == 0 {
		return time.Hour
	}
	return r.ttl
}
