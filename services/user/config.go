package user

import (
	"souk.example/pkg/auth"
	"souk.example/pkg/database"
	"souk.example/pkg/httpserver"
	"souk.example/pkg/idgen"
	"souk.example/pkg/redisclient"
	"souk.example/pkg/telemetry"
	"souk.example/services/user/internal/password"
)

// Config is the user service's settings. It has no Kafka; Redis
// carries what it tells the edges.
type Config struct {
	HTTP      httpserver.Config
	Database  database.Config
	Redis     redisclient.Config
	IDs       idgen.Config
	Auth      auth.Config
	Minter    auth.MinterConfig
	Password  password.Config
	Telemetry telemetry.Config
}
