#!/bin/sh
export KUBECONFIG="$HOME/.kube/config"
kubectl config use-context staging
kubectl get pods
