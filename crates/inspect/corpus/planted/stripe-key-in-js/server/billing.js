import Stripe from "stripe";

const stripe = new Stripe("sk_@@live_7hQzLr2VxTbN9mWcKfJpYd4s", { apiVersion: "2024-06-20" });

export const charge = (amount) => stripe.paymentIntents.create({ amount, currency: "eur" });
