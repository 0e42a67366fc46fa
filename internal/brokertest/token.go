package brokertest

import (
	"encoding/base64"
	"encoding/json"
	"time"
)

// UnsecuredToken is a JSON Web Token without signature, which Kafka's validator for tests takes for OAUTHBEARER. Its user is User:subject.
func UnsecuredToken(subject string, lifetime time.Duration) (string, error) {
	now := time.Now()
	claims, err := json.Marshal(map[string]any{"sub": subject, "iat": now.Unix(), "exp": now.Add(lifetime).Unix()})
	if err != nil {
		return "", err
	}
	encode := base64.RawURLEncoding.EncodeToString
	return encode([]byte(`{"alg":"none"}`)) + "." + encode(claims) + ".", nil
}
