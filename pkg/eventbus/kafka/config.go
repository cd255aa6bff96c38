package kafka

import (
	"errors"
	"fmt"

	"github.com/IBM/sarama"

	"souk.example/pkg/config"
)

// Config says which cluster to talk to. What decides whether data can be lost
// is not configurable; see settings.go.
type Config struct {
	Brokers []string `env:"SOUK_KAFKA_BROKERS" envDefault:"127.0.0.1:9092" usage:"Kafka brokers, comma separated"`
	// Version is the protocol version to speak, at most the brokers' own.
	Version  string `env:"SOUK_KAFKA_VERSION" envDefault:"3.8.0" usage:"Kafka protocol version"`
	ClientID string `env:"SOUK_KAFKA_CLIENT_ID" envDefault:"souk" usage:"client id in the brokers' logs"`
	// Replication is the replication factor of topics this client creates.
	Replication int16 `env:"SOUK_KAFKA_REPLICATION" envDefault:"1" usage:"replicas of new topics"`
	// MaxRecordBytes bounds one record, and one batch on its way to a broker.
	MaxRecordBytes int        `env:"SOUK_KAFKA_MAX_RECORD_BYTES" envDefault:"1048576" usage:"largest record"`
	TLS            config.TLS `envPrefix:"SOUK_KAFKA_"`
	SASL           SASL
	// Adjust, when set, changes the client's settings last, a dialer for
	// example. Open refuses what it makes unsafe.
	Adjust func(*sarama.Config) `env:"-"`
}

func (c Config) withDefaults() Config {
	if c.Version == "" {
		c.Version = sarama.V3_8_0_0.String()
	}
	if c.ClientID == "" {
		c.ClientID = "souk"
	}
	if c.Replication == 0 {
		c.Replication = 1
	}
	if c.MaxRecordBytes == 0 {
		c.MaxRecordBytes = 1 << 20
	}
	return c
}

// Validate reports what Open would refuse.
func (c Config) Validate() error {
	c = c.withDefaults()
	if len(c.Brokers) == 0 {
		return errors.New("kafka: no brokers")
	}
	if _, err := sarama.ParseKafkaVersion(c.Version); err != nil {
		return fmt.Errorf("kafka: version %q: %w", c.Version, err)
	}
	if c.Replication < 1 || c.MaxRecordBytes < 1 {
		return errors.New("kafka: replication and record size must be positive")
	}
	return c.secure(sarama.NewConfig())
}
