package notify

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/aliyun/alibaba-cloud-sdk-go/sdk"
	"github.com/aliyun/alibaba-cloud-sdk-go/sdk/auth/credentials"
	"github.com/aliyun/alibaba-cloud-sdk-go/sdk/requests"
	"github.com/aliyun/alibaba-cloud-sdk-go/services/dysmsapi"
)

// AliyunName is the name of Alibaba Cloud SMS, stored beside its messages.
const AliyunName = "aliyun"

const (
	aliyunHost   = "dysmsapi.aliyuncs.com"
	aliyunRegion = "cn-hangzhou"
	// aliyunTimeout bounds one call, below the 30 s of the job around it.
	aliyunTimeout = 10 * time.Second
)

// AliyunConfig is what Alibaba Cloud SMS needs.
type AliyunConfig struct {
	AccessKeyID, AccessKeySecret string
	SignName                     string            // the approved signature, used where a message names none
	APIURL                       string            // another base address; empty: dysmsapi.aliyuncs.com
	Transport                    http.RoundTripper // shared by all calls; nil: one of our own
	Timeout                      time.Duration     // for one call; 0: 10 s
	Now                          func() time.Time  // nil: time.Now
}

// Aliyun sends through Alibaba Cloud SMS with the vendor's own library. It takes approved
// templates only, and knows no time after which a text may not be delivered any more.
type Aliyun struct {
	config    AliyunConfig
	base      *url.URL // nil: the library's own address
	transport http.RoundTripper
}

// NewAliyun checks the configuration and opens nothing yet. It reports all problems together.
func NewAliyun(c AliyunConfig) (*Aliyun, error) {
	var problems []error
	if c.AccessKeyID == "" || c.AccessKeySecret == "" {
		problems = append(problems, errors.New("aliyun: access key id and secret are needed"))
	}
	if c.SignName = AliyunSignName(c.SignName); c.SignName == "" {
		problems = append(problems, errors.New("aliyun: an approved signature is needed"))
	}
	a := &Aliyun{config: c, transport: c.Transport}
	if c.APIURL != "" {
		base, err := webAddress(c.APIURL)
		if err != nil {
			problems = append(problems, fmt.Errorf("aliyun: API URL: %w", err))
		}
		a.base = base
	}
	if err := errors.Join(problems...); err != nil {
		return nil, err
	}
	a.config.Timeout = cmp.Or(c.Timeout, aliyunTimeout)
	if a.config.Now == nil {
		a.config.Now = time.Now
	}
	if a.transport == nil {
		a.transport = ownTransport()
	}
	return a, nil
}

// AliyunSignName takes off the brackets that a signature has in a text and not in the console.
func AliyunSignName(written string) string {
	return strings.Trim(strings.TrimSpace(written), "\u3010\u3011")
}

// Name is "aliyun".
func (a *Aliyun) Name() string { return AliyunName }

// Send hands the message's template over, with our message id as its out-id. A message without a
// template is Refused here: any text but an approved one would be.
func (a *Aliyun) Send(ctx context.Context, m Message) (Receipt, error) {
	if m.Template == "" {
		return Receipt{}, &SendError{Class: Refused, Code: "no_approved_template", Err: errNoTemplate}
	}
	request := dysmsapi.CreateSendSmsRequest()
	request.PhoneNumbers, request.OutId = aliyunPhone(m.To), m.ID
	request.SignName, request.TemplateCode = cmp.Or(AliyunSignName(m.Signature), AliyunSignName(m.From), a.config.SignName), m.Template
	if len(m.Params) > 0 {
		params, err := json.Marshal(m.Params)
		if err != nil {
			return Receipt{}, &SendError{Class: Refused, Err: err}
		}
		request.TemplateParam = string(params)
	}
	var answer *dysmsapi.SendSmsResponse
	seen, err := a.call(ctx, request.RpcRequest, func(client *dysmsapi.Client) (err error) {
		answer, err = client.SendSms(request)
		return err
	})
	switch {
	case err != nil:
		return Receipt{}, a.sendError(err, "", "", seen)
	case answer.Code != aliyunOK:
		return Receipt{}, a.sendError(errUnreadable, answer.Code, answer.Message, seen)
	case answer.BizId == "":
		return Receipt{}, &SendError{Class: Ambiguous, Err: errNoSID}
	}
	return Receipt{CarrierMessageID: answer.BizId, Delivery: DeliveryQueued}, nil
}

// aliyunPhone is a number as the API takes it: mainland ones bare, others with their country code.
func aliyunPhone(e164 string) string {
	return strings.TrimPrefix(strings.TrimPrefix(e164, "+86"), "+")
}

// call runs one request of the library, which takes no ctx. The client is made for this call: it
// writes its time-outs into itself at every request.
func (a *Aliyun) call(ctx context.Context, request *requests.RpcRequest, do func(*dysmsapi.Client) error) (seen exchange, err error) {
	ctx, cancel := context.WithTimeout(ctx, a.config.Timeout)
	defer cancel()
	tripper := &callTripper{ctx: ctx, base: a.base, transport: a.transport, now: a.config.Now}
	// Sent twice is said twice: the library's own retries stay off.
	config := sdk.NewConfig().WithScheme("HTTPS").WithAutoRetry(false).WithMaxRetryTime(0)
	config.Transport = onceOnly{tripper}
	client, err := dysmsapi.NewClientWithOptions(aliyunRegion, config,
		credentials.NewStaticAKCredentialsProvider(a.config.AccessKeyID, a.config.AccessKeySecret))
	if err != nil {
		return exchange{}, err
	}
	client.Domain = aliyunHost // else the library may ask another service for the address
	client.SetCloseTrace(true)
	client.SetNoProxy("-") // else it reads NO_PROXY as regular expressions; the transport knows its proxies
	request.SetReadTimeout(2 * a.config.Timeout)
	defer func() {
		if recover() != nil { // the library takes a Code that is no string for one
			err = errUnreadable
		}
		seen = tripper.exchange()
	}()
	return seen, do(client)
}

// onceOnly keeps the library's HTTP client from following a redirect, which would post the
// message to another address once more.
type onceOnly struct{ *callTripper }

// RoundTrip implements http.RoundTripper.
func (o onceOnly) RoundTrip(request *http.Request) (*http.Response, error) {
	response, err := o.callTripper.RoundTrip(request)
	if err == nil {
		response.Header.Del("Location")
	}
	return response, err
}
