package provider

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"souk.example/pkg/config"
	"souk.example/pkg/tracing"
	"souk.example/services/payment/internal/payment"
)

// maxReply bounds what is read of a reply: a full page of the list fits.
const maxReply = 4 << 20

// Connections that nobody uses are kept for the next calls, so many and so long.
const (
	idleConns   = 256
	idleTimeout = 30 * time.Second
)

// StatusError is a reply that is no answer.
type StatusError struct {
	Status int
	Code   string // of the problem, if it has a plain one
}

// Error names the status and the code.
func (e *StatusError) Error() string {
	return fmt.Sprintf("the provider answers %d %s", e.Status, e.Code)
}

// Is makes a 4xx payment.ErrRefused, but for those that pass.
func (e *StatusError) Is(target error) bool {
	switch e.Status {
	case http.StatusRequestTimeout, http.StatusConflict, http.StatusTooEarly, http.StatusTooManyRequests:
		return false
	}
	return target == payment.ErrRefused && e.Status/100 == 4
}

// Client speaks the provider's HTTP API. Safe for concurrent use.
type Client struct {
	http *http.Client
	base string
	key  config.Secret
}

// NewClient makes a Client. Calls end with their context.
func NewClient(cfg Config) *Client {
	transport := &http.Transport{
		Proxy: http.ProxyFromEnvironment, MaxIdleConnsPerHost: idleConns, IdleConnTimeout: idleTimeout, ForceAttemptHTTP2: true,
	}
	return &Client{
		http: &http.Client{Transport: tracing.Traced(transport), CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }},
		base: strings.TrimSuffix(cfg.URL, "/"), key: cfg.APIKey,
	}
}

// Close drops the idle connections.
func (c *Client) Close() { c.http.CloseIdleConnections() }

// Answer implements payment.Provider, without its Room.
func (c *Client) Answer(ctx context.Context, call payment.Call) (payment.Word, error) {
	if call.Kind == payment.Return {
		return c.refund(ctx, call)
	}
	return c.charge(ctx, call)
}

type chargeRequest struct {
	Amount    int64  `json:"amount"`
	Currency  string `json:"currency"`
	Token     string `json:"token"`
	Reference string `json:"reference"`
}

func (c *Client) charge(ctx context.Context, call payment.Call) (payment.Word, error) {
	var reply chargeJSON
	err := c.post(ctx, "/v1/charges", call.Key, chargeRequest{
		Amount: call.Amount.Minor(), Currency: string(call.Amount.Currency()), Token: call.Token.Reveal(), Reference: call.Key,
	}, &reply)
	if err != nil {
		return payment.Word{}, fmt.Errorf("charge: %w", err)
	}
	word, err := reply.word()
	if err != nil || word.Order != call.Order {
		return payment.Word{}, fmt.Errorf("charge: %w", errors.Join(errMalformed, err))
	}
	return word, nil
}

type refundRequest struct {
	Charge    string `json:"charge"`
	Amount    int64  `json:"amount"`
	Reference string `json:"reference"`
}

func (c *Client) refund(ctx context.Context, call payment.Call) (payment.Word, error) {
	var reply refundJSON
	err := c.post(ctx, "/v1/refunds", call.Key, refundRequest{Charge: call.Charge, Amount: call.Amount.Minor(), Reference: call.Key}, &reply)
	if err != nil {
		return payment.Word{}, fmt.Errorf("refund: %w", err)
	}
	word, err := reply.word()
	if err != nil || string(word.Refund) != call.Key || reply.Charge != call.Charge {
		return payment.Word{}, fmt.Errorf("refund: %w", errors.Join(errMalformed, err))
	}
	word.Order = call.Order
	return word, nil
}

// Charges implements payment.Statement.
func (c *Client) Charges(ctx context.Context, after string, limit int) (lines []payment.Line, more bool, err error) {
	query := url.Values{"limit": {strconv.Itoa(limit)}}
	if after != "" {
		query.Set("after", after)
	}
	var reply struct {
		Items     []chargeJSON `json:"items"`
		NextAfter *string      `json:"next_after"`
	}
	if err := c.send(ctx, http.MethodGet, "/v1/charges?"+query.Encode(), "", nil, &reply); err != nil {
		return nil, false, err
	}
	for _, item := range reply.Items {
		if !plainRef.MatchString(item.ID) {
			return nil, false, errMalformed // the list cannot go on after it
		}
		word, err := item.word()
		lines = append(lines, payment.Line{Word: word, ID: item.ID, Made: item.CreatedAt, Err: err})
	}
	return lines, reply.NextAfter != nil && len(lines) > 0, nil
}

func (c *Client) post(ctx context.Context, path, key string, body, reply any) error {
	encoded, err := json.Marshal(body)
	if err != nil {
		return err
	}
	return c.send(ctx, http.MethodPost, path, key, encoded, reply)
}

func (c *Client) send(ctx context.Context, method, path, key string, body []byte, reply any) error {
	req, err := http.NewRequestWithContext(ctx, method, c.base+path, bytes.NewReader(body))
	if err != nil {
		return err
	}
	req.Header.Set("Authorization", "Bearer "+c.key.Reveal())
	if key != "" {
		req.Header.Set("Content-Type", "application/json")
		req.Header.Set("Idempotency-Key", key)
	}
	resp, err := c.http.Do(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(io.LimitReader(resp.Body, maxReply))
	switch {
	case err != nil:
		return fmt.Errorf("read the reply: %w", err)
	case resp.StatusCode != http.StatusOK && resp.StatusCode != http.StatusCreated:
		return &StatusError{Status: resp.StatusCode, Code: problemCode(text)}
	case json.Unmarshal(text, reply) != nil:
		return errMalformed // json's own error may quote the reply
	}
	return nil
}

func problemCode(text []byte) string {
	var problem struct {
		Code string `json:"code"`
	}
	if json.Unmarshal(text, &problem) != nil || !plainCode.MatchString(problem.Code) {
		return ""
	}
	return problem.Code
}
