package kafka

import (
	"errors"
	"fmt"

	"github.com/IBM/sarama"
	"github.com/xdg-go/scram"

	"souk.example/pkg/config"
)

// SASL is who the client says it is; the zero value: nobody.
type SASL struct {
	Mechanism string        `env:"SOUK_KAFKA_SASL_MECHANISM" usage:"PLAIN, SCRAM-SHA-256 or SCRAM-SHA-512; empty: none"`
	Username  string        `env:"SOUK_KAFKA_USERNAME" usage:"Kafka user"`
	Password  config.Secret `env:"SOUK_KAFKA_PASSWORD" usage:"Kafka password"`
}

// secure sets TLS and SASL.
func (c Config) secure(set *sarama.Config) (err error) {
	if set.Net.TLS.Config, err = c.TLS.Client(); err != nil {
		return fmt.Errorf("kafka: %w", err)
	}
	set.Net.TLS.Enable = c.TLS.Enabled
	return c.SASL.apply(set, c.TLS.Enabled)
}

func (s SASL) apply(set *sarama.Config, secret bool) error {
	if s.Mechanism == "" {
		return nil // a password may be there for all, and be of no use here
	}
	sasl := &set.Net.SASL
	sasl.Enable, sasl.Mechanism = true, sarama.SASLMechanism(s.Mechanism)
	sasl.User, sasl.Password = s.Username, s.Password.Reveal()
	switch sasl.Mechanism {
	case sarama.SASLTypePlaintext:
		if !secret {
			return errors.New("kafka: SOUK_KAFKA_SASL_MECHANISM=PLAIN sends the password as it is: it wants SOUK_KAFKA_TLS")
		}
	case sarama.SASLTypeSCRAMSHA256:
		sasl.SCRAMClientGeneratorFunc = func() sarama.SCRAMClient { return &conversation{hash: scram.SHA256} }
	case sarama.SASLTypeSCRAMSHA512:
		sasl.SCRAMClientGeneratorFunc = func() sarama.SCRAMClient { return &conversation{hash: scram.SHA512} }
	default:
		return fmt.Errorf("kafka: SOUK_KAFKA_SASL_MECHANISM: %q is not PLAIN, SCRAM-SHA-256 or SCRAM-SHA-512", s.Mechanism)
	}
	if s.Username == "" || s.Password == "" {
		return errors.New("kafka: SOUK_KAFKA_SASL_MECHANISM wants SOUK_KAFKA_USERNAME and SOUK_KAFKA_PASSWORD")
	}
	return nil
}

// conversation is one client's side of SCRAM, as sarama wants it.
type conversation struct {
	hash scram.HashGeneratorFcn
	*scram.ClientConversation
}

// Begin implements sarama.SCRAMClient.
func (c *conversation) Begin(username, password, authzID string) error {
	client, err := c.hash.NewClient(username, password, authzID)
	if err != nil {
		return fmt.Errorf("begin SCRAM: %w", err)
	}
	c.ClientConversation = client.NewConversation()
	return nil
}
