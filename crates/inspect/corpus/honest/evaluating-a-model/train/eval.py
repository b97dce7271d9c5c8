import torch

model.eval()
with torch.no_grad():
    scores = evaluate(model, loader)
result = ast.literal_eval(line)
regex.exec(text)
