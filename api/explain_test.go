package api_test

import (
	"net/http"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestExplain(t *testing.T) {
	t.Parallel()
	c := newCounty(t)
	recipient, _ := c.enrol("YY-1")
	t.Run("AnswersInBothLanguagesWithWhatLedToIt", func(t *testing.T) {
		for _, path := range []string{
			"/v1/check-ins/" + c.checkIn(recipient, "baseline"), "/v1/recipients/" + recipient,
			"/v1/messages/" + c.get("/v1/messages?recipient_id=" + recipient).items()[0]["message_id"].(string),
		} {
			e := c.get(path + "/explain").object()
			said, _ := e["answer"].(map[string]any)
			require.NotEmpty(t, said["english"], path)
			require.NotEmpty(t, said["chinese"], path)
			require.NotEmpty(t, e["because"], path)
		}
	})
	t.Run("KnowsNothingOfWhatIsNotThere", func(t *testing.T) {
		c.get("/v1/messages/0190a1b2-0000-7000-8000-000000000000/explain").requireProblem(http.StatusNotFound)
	})
}
