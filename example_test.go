package skald_test

import (
	"context"
	"fmt"

	"github.com/skald-saga/skald"
	"github.com/skald-saga/skald/internal/kafka/embedded"
)

// Order is what a shop's customer orders.
type Order struct{ Item string }

// Boxed is an order in its box.
type Boxed struct{ Item, Box string }

// Shipped is an order on its way.
type Shipped struct{ Tracking string }

const (
	placedTopic   skald.Topic[Order]   = "placed"
	boxedTopic    skald.Topic[Boxed]   = "boxed"
	underwayTopic skald.Topic[Shipped] = "underway"
)

var teaOrders = skald.NewWorkflow("shipping", placedTopic, underwayTopic).
	Subject(func(o Order) string { return o.Item })

func teaShop() *skald.Service {
	return skald.NewService("shop",
		skald.Begin(teaOrders, boxedTopic, func(_ context.Context, o Order) (Boxed, error) {
			return Boxed{Item: o.Item, Box: "small"}, nil
		}),
		skald.End(teaOrders, func(_ context.Context, s Shipped) error {
			fmt.Println("came home:", s.Tracking)
			return nil
		}),
	)
}

func teaCarrier() *skald.Service {
	return skald.NewService("carrier",
		skald.Step(boxedTopic, underwayTopic, func(_ context.Context, p Boxed) (Shipped, error) {
			return Shipped{Tracking: p.Item + " in a " + p.Box + " box"}, nil
		}))
}

// A saga goes round its loop: the shop begins it, the carrier does its part, the shop ends it.
func Example() {
	broker, err := embedded.Start(embedded.Config{Addr: "127.0.0.1:0"}) // Kafka, in production
	if err != nil {
		fmt.Println(err)
		return
	}
	defer broker.Close()
	joined := make(chan string, 2)
	cfg := skald.Config{Brokers: []string{broker.Addr()}, Partitions: 4, Joined: func(service string) { joined <- service }}

	ctx, stop := context.WithCancel(context.Background())
	defer stop()
	ran := make(chan error, 1)
	go func() { ran <- skald.Run(ctx, cfg, teaShop(), teaCarrier()) }()
	<-joined
	<-joined

	client, err := skald.NewClient(cfg)
	if err != nil {
		fmt.Println(err)
		return
	}
	defer client.Close()
	saga, err := teaOrders.Start(ctx, client, Order{Item: "teapot"})
	if err != nil {
		fmt.Println(err)
		return
	}
	outcome, err := saga.Wait(ctx)
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(outcome.Outcome)

	stop()
	if err := <-ran; err != nil {
		fmt.Println(err)
		return
	}
	// Output:
	// came home: teapot in a small box
	// completed
}

// Check finds what is wrong with a chain before it runs: in a test, over all services of a workflow.
func ExampleCheck() {
	sendsBack := skald.NewService("carrier",
		skald.Step(boxedTopic, placedTopic, func(_ context.Context, p Boxed) (Order, error) { return Order{Item: p.Item}, nil }))
	fmt.Println(skald.Check(teaShop(), teaCarrier()))
	fmt.Println(skald.Check(teaShop(), sendsBack) != nil)
	// Output:
	// <nil>
	// true
}
